#!/bin/sh
# Installs k3OS from any Linux:  curl -sfL https://example.com/install.sh | sudo bash -s -- /dev/sda
# It finds the executable for this machine, verifies it, and runs its "k3os install", which does all the rest.
{ # A shell runs nothing of this before it has read the brace at the end: a download that was cut off does nothing.

usage() {
  cat <<'END'
Usage: install.sh [--force-efi] [--debug] [--tty TTY] [--poweroff] [--takeover] [--no-format]
                  [--config FILE|URL] [--key KEY] [--insecure-skip-verify] [--copy-network]
                  [--force] [--dry-run] [--binary PATH] DEVICE [ISO_URL]

Downloads k3os for this machine from K3OS_RELEASE_URL, else from where ISO_URL is, else from the
newest release, verifies it, and runs "k3os install" with these arguments; its --help explains
them. KEY is whose signature counts, for k3os itself, too, where minisign or OpenSSL 3 is at hand.
With --binary it runs a copy of PATH instead: nothing is downloaded, nothing verified.
END
}

# The public keys of this project's releases, as lib/tools/release/release-keys.json has them, separated by blanks.
KEYS=''

say() { printf 'install.sh: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }
misused() { say "$@"; usage >&2; exit 2; }
has() { command -v "$1" >/dev/null 2>&1; }

# Runs a program that may write so many blocks (512 bytes, in bash 1024) to a file: whatever a server sends has an end.
limited() { ulimit -f "$1"; shift; exec "$@"; }

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

# Puts file NAME of the release into the private directory; BLOCKS is how large it may be.
get() {
  case $release in
    *://*) ;;
    *) if [ -e "$release/$1" ] && [ ! -f "$release/$1" ]; then fail "$release/$1 is no file"; fi
      if attend limited "$2" cp -- "$release/$1" "$dir/$1"; then return; fi
      fail "cannot read $release/$1: put it there, or name the place of the release in K3OS_RELEASE_URL" ;;
  esac
  for try in 1 2 3; do
    if transfer "$release/$1" "$dir/$1" "$2"; then return; fi
    # the server's refusal, as curl and GNU wget say it; a file without end, as curl and the kernel (SIGXFSZ)
    case $status in 22 | 8 | 63 | 153) break ;; esac
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
    attend limited "$3" curl "$meter" --fail --location --proto-redir "$redirects" --retry 3 --connect-timeout 30 \
      --speed-limit 1 --speed-time 60 --max-time 7200 --output "$2" -- "$1"
  elif [ -t 2 ]; then attend limited "$3" wget -t 1 -O "$2" -- "$1"
  else attend limited "$3" wget -nv -t 1 -O "$2" -- "$1" 2>"$dir/log" || { cat "$dir/log" >&2; return 1; }; fi
}

# Adds a public key: the line of it that begins with RW, or a file that holds it.
trust() {
  case $1 in
    '') return ;;
    RW[QRST]*) if [ ${#1} = 56 ]; then keys="$keys $1"; return; fi ;;
  esac
  if [ ! -f "$1" ]; then fail "cannot read the key \"$1\": there is no such file"; fi
  key=$(sed -n 's/^\(RW[QRST][A-Za-z0-9+/=]*\).*$/\1/p' <"$1")
  if [ ${#key} != 56 ]; then fail "\"$1\" is not the public key of minisign"; fi
  keys="$keys $key"
}

# Verifies the list, whose name is $list, by the signature of one of the keys. Without a program for that it only says so.
verify() {
  if has minisign; then verifier=minisign
  elif has openssl && openssl dgst -blake2b512 </dev/null >/dev/null 2>&1 &&
    [ -n "$(openssl pkeyutl -help 2>&1 | sed -n '/-rawin/p')" ]; then verifier=openssl
  else
    say "the signature of k3os itself is not verified: that needs minisign or OpenSSL 3"
    return
  fi
  get "$list.minisig" 64
  for key in $keys; do
    if "verify_by_$verifier" "$key" >"$dir/log" 2>&1; then
      comment=$(sed -n '3s/^trusted comment: //p' "$dir/$list.minisig") tab=$(printf '\t')
      for field in "file:$list" "arch:$arch"; do
        case $tab$comment$tab in *"$tab$field$tab"*) ;; *) fail "$release/$list is not signed as $field" ;; esac
      done
      size=$(printf '%s\n' "$comment" | sed -n "s/^.*[:,]k3os-$arch=\([0-9]\{1,12\}\).*$/\1/p")
      refuse_expired "$(printf '%s\n' "$comment" | sed -n "s/^.*${tab}expires:\([0-9]\{1,12\}\).*$/\1/p")"
      return
    fi
  done
  fail "$release/$list is not what was signed, or signed by none of the keys:$keys"
}

# A server may go on to offer an old release, and hide the newer one; what is in a directory was put there by its user.
refuse_expired() {
  case $release in *://*) ;; *) return ;; esac
  if [ -z "$1" ] || ! has date || [ "$(date +%s)" -lt "$1" ]; then return; fi
  fail "$release/$list has expired, by the clock of this machine: look for a newer release; to take this one, download" \
    "it to a directory, and name that in K3OS_RELEASE_URL"
}

verify_by_minisign() {
  minisign -V -q -P "$1" -m "$dir/$list" -x "$dir/$list.minisig"
}

# A signature of minisign's is one of Ed25519: of the content's BLAKE2b digest, and then of that signature and the comment.
verify_by_openssl() {
  signature=$dir/$list.minisig
  case $(sed -n 2p "$signature") in RU[QRST]*) ;; *) return 1 ;; esac
  sed -n 2p "$signature" | openssl base64 -d -A | tail -c 64 >"$dir/content.sig"
  sed -n 4p "$signature" | openssl base64 -d -A >"$dir/comment.sig"
  # SubjectPublicKeyInfo of Ed25519 (RFC 8410) is 12 bytes and the key
  {
    printf '\060\052\060\005\006\003\053\145\160\003\041\000'
    printf '%s' "$1" | openssl base64 -d -A | tail -c 32
  } >"$dir/key.der"
  openssl dgst -blake2b512 -binary <"$dir/$list" >"$dir/content"
  {
    cat "$dir/content.sig"
    printf '%s' "$(sed -n '3s/^trusted comment: //p' "$signature")"
  } >"$dir/comment"
  for part in content comment; do
    openssl pkeyutl -verify -pubin -keyform DER -inkey "$dir/key.der" -rawin -in "$dir/$part" -sigfile "$dir/$part.sig" ||
      return 1
  done
}

# Gets the executable and compares it with the release's list of checksums. Without a key, or a program to verify it by,
# whether the list is genuine rests on https alone; the executable then checks the signature of everything that it uses.
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
  list=sha256sum-$arch.txt
  get "$list" 4096
  if [ -n "$keys" ] && [ "$insecure" = no ]; then verify; fi
  want=$(sed -n "s/^\([0-9a-f]\{64\}\) [ *]k3os-$arch\$/\1/p" "$dir/$list")
  [ -n "$want" ] || fail "$release/$list has no checksum of k3os-$arch"
  if [ -n "$size" ]; then blocks=$((size / 512 + 1)); else blocks=600000; fi
  get "k3os-$arch" "$blocks"
  found=$($hash <"$dir/k3os-$arch")
  [ "${found%% *}" = "$want" ] ||
    fail "$release/k3os-$arch is not what the release lists: its sha256 is ${found%% *}, expected was $want"
  mv "$dir/k3os-$arch" "$dir/k3os"
}

# Sets $answer to what TEXT means, where NAME stands; the words are those of lib/tools/text/boolean-word.ts.
truth() {
  case $2 in
    [Tt][Rr][Uu][Ee] | [Yy][Ee][Ss] | [Oo][Nn] | [Yy] | 1) answer=yes ;;
    [Ff][Aa][Ll][Ss][Ee] | [Nn][Oo] | [Oo][Ff][Ff] | [Nn] | 0) answer=no ;;
    *) misused "$1: found \"$2\", expected true or false" ;;
  esac
}

# What is wrong with the value of an option is better known before anything is downloaded.
look() {
  case $1 in
    --key) trust "$2" ;;
    --device) case $2 in /dev/*) [ -e "$2" ] || fail "there is no device \"$2\"" ;; esac ;;
    --config) case $2 in *://* | '') ;; *) [ -e "$2" ] || fail "there is no configuration \"$2\"" ;; esac ;;
  esac
}

main() {
  set -eu
  unset binary
  child='' dir='' iso=${K3OS_INSTALL_ISO_URL:-} options=yes wants='' words=0 left=$#
  keys=$KEYS insecure=no unknown='' size=''
  if [ -n "${K3OS_INSTALL_INSECURE_SKIP_VERIFY:-}" ]; then
    truth K3OS_INSTALL_INSECURE_SKIP_VERIFY "$K3OS_INSTALL_INSECURE_SKIP_VERIFY"
    insecure=$answer
  fi
  while [ "$left" -gt 0 ]; do
    arg=$1 left=$((left - 1))
    shift
    if [ -n "$wants" ]; then
      case $arg in -?*) break ;; esac
      if [ "$wants" = --binary ]; then binary=$arg wants=''; continue; fi
      look "$wants" "$arg"
      wants=''
    else
      case $options$arg in
        yes-h | yes--help) usage; exit 0 ;;
        yes--) options=no ;;
        yes--binary) wants=$arg; continue ;;
        yes--binary=*) binary=${arg#*=}; continue ;;
        yes--config | yes--device | yes--key | yes--tty) wants=$arg ;;
        yes--config=* | yes--device=* | yes--key=* | yes--tty=*) look "${arg%%=*}" "${arg#*=}" ;;
        yes--insecure-skip-verify) insecure=yes ;;
        yes--force-efi | yes--debug | yes--poweroff | yes--takeover | yes--no-format | yes--copy-network | yes--force) ;;
        yes--dry-run | yes--bootstrap | yes--yes | yes-y | yes--silent | yes--json) ;;
        yes--insecure-skip-verify=*) truth "${arg%%=*}" "${arg#*=}"; insecure=$answer ;;
        yes--force-efi=* | yes--debug=* | yes--poweroff=* | yes--takeover=* | yes--no-format=* | yes--copy-network=* | \
          yes--force=* | yes--dry-run=* | yes--bootstrap=* | yes--yes=* | yes--silent=* | yes--json=*)
          truth "${arg%%=*}" "${arg#*=}" ;;
        yes-?*) unknown=$arg ;;
        *) words=$((words + 1)); case $words in 1) look --device "$arg" ;; 2) iso=$arg ;; esac ;;
      esac
    fi
    set -- "$@" "$arg"
  done
  [ -z "$wants" ] || misused "$wants needs a value"
  [ "$words" -le 2 ] || misused "more arguments than DEVICE and ISO_URL"
  [ -z "$unknown" ] || [ -n "${binary+given}" ] || misused "unknown option $unknown"
  [ "$(id -u)" = 0 ] || fail "needs root; through a pipe it is: curl -sfL URL | sudo bash -s -- ARGUMENTS"
  trap 'if [ -n "$dir" ]; then rm -rf "$dir"; fi' EXIT
  trap 'interrupted 129' HUP
  trap 'interrupted 130' INT
  trap 'interrupted 143' TERM
  # standard input may be the pipe that this script came through
  if [ -t 0 ]; then exec 3<&0; else exec 3</dev/null; fi
  if [ "$keys" = "$KEYS" ] && [ -n "${K3OS_INSTALL_KEY:-}" ]; then trust "$K3OS_INSTALL_KEY"; fi
  find_release
  pick_directory
  if [ -z "${binary+given}" ]; then download
  else
    { [ -f "$binary" ] && cp -- "$binary" "$dir/k3os"; } || fail "cannot copy the executable \"$binary\""
  fi
  chmod 700 "$dir/k3os"
  attend "$dir/k3os" install --bootstrap "$@"
}

main "$@"; }
