// Sends a file in pieces (tus 1.0) in place of the form around it: what is cut goes on where it ended, after a reload too,
// when the same file is chosen again. Without scripts the form itself sends small files.

import { defaultOptions, DetailedError, Upload, type PreviousUpload } from "tus-js-client";

interface Props {
  subject: string;
  kind: string;
  document: string;
  most: number; // [bytes]
  suffixes: string[];
  language: "zh" | "en";
}

const PIECE = 8 * 1024 * 1024; // [bytes] of one request; a proxy in front takes at least so much
const RETRIES = [0, 1000, 3000, 5000, 10000, 20000, 30000]; // [ms]

const WORDS = {
  zh: {
    large: "文件过大。",
    type: "不允许的文件类型。",
    sending: "正在上传",
    paused: "已暂停，可随时继续。",
    checking: "正在核验……",
    done: "已上传。",
    ended: "已取消，未保留任何内容。",
    pause: "暂停",
    go: "继续",
    end: "取消上传",
    failed: "上传中断。稍后点击“继续”，从中断处续传。",
    before: "上次未传完：",
    again: "。再次选择同一文件即可续传。",
  },
  en: {
    large: "The file is too large.",
    type: "This type of file is not taken.",
    sending: "Sending",
    paused: "Paused; go on whenever you like.",
    checking: "Being checked…",
    done: "It was uploaded.",
    ended: "Cancelled; nothing of it was kept.",
    pause: "Pause",
    go: "Go on",
    end: "Cancel the upload",
    failed: "The upload was cut. Choose “Go on” later, and it continues where it ended.",
    before: "Not finished last time: ",
    again: ". Choose the same file again, and it goes on where it ended.",
  },
};

export async function mount(element: HTMLElement, given: unknown): Promise<void> {
  const props = given as Props;
  const form = element.closest("form");
  const input = form?.querySelector<HTMLInputElement>('input[type="file"]');
  const send = form?.querySelector<HTMLButtonElement>("button.primary");
  if (!form || !input || !send) return;
  form.dataset.script = "true";
  const words = WORDS[props.language];
  const { bar, says, pause, end, acts } = drawn(words);
  element.append(bar, says, acts);
  let upload: Upload | null = null;
  let running = false;

  const show = (text: string, bad = false) => {
    says.textContent = text;
    says.className = bad ? "fault" : "";
    says.setAttribute("role", bad ? "alert" : "status");
  };
  const standing = (active: boolean) => {
    running = active;
    acts.hidden = upload === null;
    bar.hidden = upload === null;
    pause.textContent = active ? words.pause : words.go;
    input.disabled = send.disabled = upload !== null;
  };

  pause.addEventListener("click", async () => {
    if (!upload) return;
    if (running) {
      await upload.abort();
      show(words.paused);
      standing(false);
    } else {
      show(words.sending);
      upload.start();
      standing(true);
    }
  });
  end.addEventListener("click", async () => {
    const ending = upload;
    upload = null;
    await ending?.abort(true).catch(() => undefined);
    standing(false);
    show(words.ended);
    input.focus();
  });

  form.addEventListener("submit", async (event) => {
    const file = input.files?.[0];
    if (!file) return;
    event.preventDefault();
    const fault = refused(file, props);
    if (fault) return show(fault, true);
    const field = (name: string) => form.querySelector<HTMLInputElement | HTMLSelectElement>(`[name="${name}"]`)?.value ?? "";
    const metadata: Record<string, string> = {
      filename: file.name,
      subject: props.subject,
      kind: field("kind") || props.kind || "document",
      title: field("title"),
      note: field("note"),
    };
    if (props.document) metadata.document = props.document;
    const made = new Upload(file, {
      endpoint: "/documents/uploads/",
      chunkSize: PIECE,
      retryDelays: RETRIES,
      headers: { "X-CSRFToken": field("csrfmiddlewaretoken") },
      metadata,
      removeFingerprintOnSuccess: true,
      fingerprint: async () => ["scicity", props.subject, props.document, file.name, file.size, file.lastModified].join("|"),
      onProgress: (sent, total) => {
        bar.value = total ? sent / total : 0;
        bar.textContent = `${Math.floor(bar.value * 100)} %`;
        if (sent === total) show(words.checking);
      },
      onSuccess: () => {
        show(words.done);
        location.assign(field("next") || location.href);
      },
      onError: (error) => {
        const [text, over] = told(error, props.language);
        if (over) {
          upload = null;
          forget(made);
        }
        standing(false);
        show(text || words.failed, true);
      },
    });
    upload = made;
    const before = await made.findPreviousUploads();
    if (before[0]) made.resumeFromPreviousUpload(before[0]);
    show(words.sending);
    standing(true);
    made.start();
    pause.focus();
  });

  standing(false);
  const left = await unfinished(props);
  if (left) show(words.before + left + words.again);
}

function drawn(words: (typeof WORDS)["zh"]) {
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", words.sending);
  const says = document.createElement("p");
  const acts = document.createElement("p");
  acts.className = "acts";
  const button = (text: string) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "second";
    made.textContent = text;
    acts.append(made);
    return made;
  };
  return { bar, says, acts, pause: button(words.pause), end: button(words.end) };
}

function refused(file: File, props: Props): string {
  const words = WORDS[props.language];
  if (file.size > props.most) return words.large;
  const suffix = file.name.includes(".") ? file.name.split(".").pop()!.toLowerCase() : "";
  return props.suffixes.includes(suffix) ? "" : words.type;
}

/** What the server says of an upload that it does not take, and whether that is the end of it. */
function told(error: Error | DetailedError, language: "zh" | "en"): [string, boolean] {
  const response = error instanceof DetailedError ? error.originalResponse : null;
  const status = response?.getStatus() ?? 0;
  try {
    const said = JSON.parse(response?.getBody() ?? "") as { zh: string; en: string };
    return [said[language], status >= 400 && status < 500 && status !== 401 && status !== 423];
  } catch {
    return ["", false];
  }
}

function forget(upload: Upload): void {
  void upload.findPreviousUploads().then((before: PreviousUpload[]) => {
    for (const each of before) void defaultOptions.urlStorage?.removeUpload(each.urlStorageKey);
  });
}

/** The name of a file of which some was sent here before. */
async function unfinished(props: Props): Promise<string> {
  const all = (await defaultOptions.urlStorage?.findAllUploads()) ?? [];
  const mine = all.filter((each) => each.metadata.subject === props.subject && (each.metadata.document ?? "") === props.document);
  return mine[0]?.metadata.filename ?? "";
}
