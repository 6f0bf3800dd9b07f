#!/bin/sh
# Installs k3OS from any Linux:  curl -sfL https://example.com/install.sh | sudo bash -s -- /dev/sda
# It finds the executable for this machine, verifies it, and runs its "k3os install", which does all the rest.
{ # A shell runs nothing of this before it has read the brace at the end: a download that was cut off does nothing.

usage() {
  cat <<'END'
Usage: install.sh [--force-efi] [--debug] [--tty TTY] [--poweroff] [--takeover] [--no-format]
                  [--config URL] [--key KEY] [--insecure-skip-verify] [--copy-network]
                  [--force] [--dry-run] [--binary PATH] DEVICE [ISO_URL]

Downloads k3os for this machine from K3OS_RELEASE_URL, else from where ISO_URL is, else from the
newest release, verifies it, and runs "k3os install" with these arguments; its --help explains
them. With --binary it runs a copy of PATH instead: nothing is downloaded, nothing verified.
END
}

say() { printf 'install.sh: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }
misused() { say "$@"; usage >&2; exit 2; }
has() { command -v "$1" >/dev/null 2>&1; }

# Runs a program in the background and waits for it: after one in the foreground a shell would act on a signal too late.
# Its standard input is descriptor 3, as a shell gives programs in the background none.
attend() {
  status=0
  "$@" <&3 3<&- &
  child=$!
  wait "$child" || status=$?
  child=''
  return "$status"
}

# Whatever came, the program gets SIGTERM: a shell makes programs in the background ignore SIGINT.
interrupted() {
  trap '' HUP INT TERM
  set +e
  if [ -n "$child" ] && kill "$child" 2>/dev/null; then wait "$child"; fi
  exit "$1"
}

# Without an ISO, an executable that was named knows its own release.
find_release() {
  if [ -n "${K3OS_RELEASE_URL:-}" ]; then release=$K3OS_RELEASE_URL
  else case $iso in
    *://*) release=${iso%%[?#]*} release=${release%/*} ;;
    */*) release=${iso%/*}/ ;;
    ?*) release=. ;;
    *) if [ -n "${binary+given}" ]; then return; fi
      release=https://github.com/k3os/k3os/releases/latest/download ;;
  esac fi
  release=${release#file://}
  case $release in *://* | /*) ;; *) release=$PWD/$release ;; esac
  while case $release in ?*/) true ;; *) false ;; esac do release=${release%/}; done
  export K3OS_RELEASE_URL="$release"
}

# Makes a private directory where there is room for an executable (KiB, as df counts) that may also be executed.
pick_directory() {
  tried=''
  for parent in ${TMPDIR:+"$TMPDIR"} /tmp /var/tmp /root /run; do
    free=$(df -Pk -- "$parent" 2>/dev/null | sed -n '$s/.* \([0-9][0-9]*\)  *[0-9]*% .*/\1/p')
    if [ ! -d "$parent" ]; then why="no such directory"
    elif [ "${free:-0}" -lt 130000 ]; then why="$((${free:-0} / 1000)) MB free of 130 needed"
    elif ! dir=$(mktemp -d -- "$parent/k3os.XXXXXX" 2>/dev/null); then why="cannot be written to"
    elif printf '#!/bin/sh\n' >"$dir/try" && chmod 700 "$dir/try" && "$dir/try"; then return
    else why="nothing can be executed there (noexec)"; rm -rf "$dir"; fi 2>/dev/null
    tried="$tried
  $parent: $why"
  done
  fail "found no directory for the executable; name one with TMPDIR. Tried were:$tried"
}

# Puts file NAME of the release into the private directory.
get() {
  case $release in
    *://*) ;;
    *) if cp -- "$release/$1" "$dir/$1"; then return; fi
      fail "cannot read $release/$1: put it there, or name the place of the release in K3OS_RELEASE_URL" ;;
  esac
  for try in 1 2 3; do
    if transfer "$release/$1" "$dir/$1"; then return; fi
    # the server's refusal, as curl and GNU wget say it
    case $status in 22 | 8) break ;; esac
    if [ "$try" -lt 3 ]; then attend sleep 2; fi
  done
  fail "cannot download $release/$1; another place of the release can be named in K3OS_RELEASE_URL"
}

# curl goes first: wget cannot hold redirections to https, and busybox's checks no certificates on many systems (and
# crashes on -T on Debian).
transfer() {
  if has curl; then
    case $release in [Hh][Tt][Tt][Pp][Ss]:*) redirects='=https' ;; *) redirects='=http,https' ;; esac
    if [ -t 2 ]; then meter=--progress-bar; else meter=-sS; fi
    attend curl "$meter" --fail --location --proto-redir "$redirects" --retry 3 --connect-timeout 30 \
      --speed-limit 1 --speed-time 60 --output "$2" -- "$1"
  elif [ -t 2 ]; then attend wget -t 1 -O "$2" -- "$1"
  else attend wget -nv -t 1 -O "$2" -- "$1" 2>"$dir/log" || { cat "$dir/log" >&2; return 1; }; fi
}

# Gets the executable and compares it with the release's list of checksums. Whether list and executable are genuine rests
# on https alone; the executable then checks the signature of everything that it uses itself.
download() {
  case $(uname -m) in
    x86_64) arch=amd64 ;;
    aarch64 | arm64) arch=arm64 ;;
    armv7* | armv8l) arch=arm ;;
    *) fail "there is no k3OS for this machine ($(uname -m)): it needs x86_64, aarch64 or armv7" ;;
  esac
  if has sha256sum; then hash=sha256sum
  elif has shasum; then hash="shasum -a 256"
  elif has openssl; then hash="openssl dgst -sha256 -r"
  else fail "needs sha256sum, shasum or openssl to verify what it downloads: install one of them"; fi
  has curl || has wget || fail "needs curl or wget: install one of them"
  say "downloading k3os-$arch from $release"
  get "sha256sum-$arch.txt"
  want=$(sed -n "s/^\([0-9a-f]\{64\}\) [ *]k3os-$arch\$/\1/p" "$dir/sha256sum-$arch.txt")
  [ -n "$want" ] || fail "$release/sha256sum-$arch.txt has no checksum of k3os-$arch"
  get "k3os-$arch"
  found=$($hash <"$dir/k3os-$arch")
  [ "${found%% *}" = "$want" ] ||
    fail "$release/k3os-$arch is not what the release lists: its sha256 is ${found%% *}, expected was $want"
  mv "$dir/k3os-$arch" "$dir/k3os"
}

main() {
  set -eu
  unset binary
  child='' dir='' iso=${K3OS_INSTALL_ISO_URL:-} options=yes wants='' words=0 left=$#
  while [ "$left" -gt 0 ]; do
    arg=$1 left=$((left - 1))
    shift
    if [ -n "$wants" ]; then
      case $arg in -?*) break ;; esac
      if [ "$wants" = --binary ]; then binary=$arg wants=''; continue; fi
      wants=''
    else
      case $options$arg in
        yes-h | yes--help) usage; exit 0 ;;
        yes--) options=no ;;
        yes--binary) wants=$arg; continue ;;
        yes--binary=*) binary=${arg#*=}; continue ;;
        yes--config | yes--device | yes--key | yes--tty) wants=$arg ;;
        yes-?*) ;;
        *) words=$((words + 1)); if [ "$words" = 2 ]; then iso=$arg; fi ;;
      esac
    fi
    set -- "$@" "$arg"
  done
  [ -z "$wants" ] || misused "$wants needs a value"
  [ "$words" -le 2 ] || misused "more arguments than DEVICE and ISO_URL"
  [ "$(id -u)" = 0 ] || fail "needs root; through a pipe it is: curl -sfL URL | sudo bash -s -- ARGUMENTS"
  trap 'if [ -n "$dir" ]; then rm -rf "$dir"; fi' EXIT
  trap 'interrupted 129' HUP
  trap 'interrupted 130' INT
  trap 'interrupted 143' TERM
  # standard input may be the pipe that this script came through
  if [ -t 0 ]; then exec 3<&0; else exec 3</dev/null; fi
  find_release
  pick_directory
  if [ -z "${binary+given}" ]; then download
  else cp -- "$binary" "$dir/k3os" || fail "cannot copy the executable \"$binary\""; fi
  chmod 700 "$dir/k3os"
  attend "$dir/k3os" install --bootstrap "$@"
}

main "$@"; }
