#!/bin/sh
# Times `./scicity up`, twice, and `./scicity test` on a clean Debian 12 with python3 and nothing else.
# By hand and as root: tools/clean_debian.sh FOLDER
# The committed tree is copied into a chroot below FOLDER; certificates of this machine are passed on where it has its own.
set -eu
root="$1/debian"
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

[ -x "$root/usr/bin/python3" ] || debootstrap --variant=minbase --include=python3 bookworm "$root" >"$1/debootstrap.log"
cp /etc/resolv.conf "$root/etc/resolv.conf"
ca=/etc/this-machine.crt # beside the ones that Debian makes anew when it installs its own
cp -L /etc/ssl/certs/ca-certificates.crt "$root$ca"
rm -rf "$root/scicity" && mkdir "$root/scicity"
git -C "$here" archive HEAD | tar -x -C "$root/scicity"
mount -t proc proc "$root/proc"
trap 'umount "$root/proc"' EXIT # or whoever removes FOLDER later would reach into this machine

door() { # ./scicity in the chroot, without anything of this machine's environment
    exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 PIP_CERT="$ca" \
        SSL_CERT_FILE="$ca" NODE_EXTRA_CA_CERTS="$ca" npm_config_cafile="$ca" sh /scicity/scicity "$@"
}

run() { # label: starts the cockpit in the chroot, and prints the seconds until it answers
    began=$(date +%s)
    (door up --port 8765) >"$1.log" 2>&1 &
    process=$!
    until python3 -c 'import urllib.request as u; u.urlopen("http://127.0.0.1:8765/healthz", timeout=2)' 2>/dev/null; do
        kill -0 $process 2>/dev/null || { cat "$1.log"; echo "it ended before it answered"; exit 1; }
        [ $(($(date +%s) - began)) -lt 900 ] || { cat "$1.log"; echo "no answer within 15 minutes"; exit 1; }
        sleep 1
    done
    echo "$2: $(($(date +%s) - began)) s until the cockpit answered"
    kill $process # by exec it is the server itself
    wait $process 2>/dev/null || true
}

run "$1/first" "first start"
run "$1/second" "second start"

began=$(date +%s)
(door test) >"$1/test.log" 2>&1 || { tail -50 "$1/test.log"; exit 1; }
echo "test: $(($(date +%s) - began)) s; $(tail -1 "$1/test.log")"
