import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const BUILT = "../static/built";

// Beside each script and style sheet lie its compressed forms: the server has nothing to compress (WhiteNoise finds them).
const compressed: Plugin = {
  name: "compressed",
  closeBundle() {
    for (const name of readdirSync(join(BUILT, "assets")).filter((each) => /\.(js|css)$/.test(each))) {
      const text = readFileSync(join(BUILT, "assets", name));
      writeFileSync(join(BUILT, "assets", `${name}.gz`), gzipSync(text, { level: 9 }));
      writeFileSync(join(BUILT, "assets", `${name}.br`), brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
    }
  },
};

export default defineConfig({
  base: "/static/built/",
  build: {
    outDir: BUILT,
    emptyOutDir: true,
    manifest: true,
    target: "es2022",
    chunkSizeWarningLimit: 1500,
    rollupOptions: { input: "src/main.ts" },
  },
  plugins: [compressed],
});
