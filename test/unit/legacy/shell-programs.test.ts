import { describe, expect, test } from "bun:test";
import { programsOf } from "../../../lib/legacy/shell-programs.ts";

describe("programsOf()", () => {
  test.each([
    ["sudo ifconfig eth0 up", "sudo ifconfig"],
    ["apk add nano && rc-update add x default", "apk rc-update"],
    ["if ! grep -q x /y; then echo a > /b 2>&1; else foo; fi", "grep echo foo"],
    ["A=b env C=d sudo -u root -E /sbin/ip link set eth0 up &", "env sudo /sbin/ip"],
    ["while ! kubectl get nodes >/dev/null 2>&1; do sleep 1; done", "kubectl sleep"],
    ['x=$(curl -s http://x | jq .a); echo "$(hostname -f) `date`"', "curl jq hostname date echo"],
    ["for i in a b c; do touch $i; done", "touch"],
    ["[[ -f /a && b == c ]] && run-it", "run-it"],
    ["cat <<EOF > /etc/foo\nnot a program\nEOF\nafter", "cat after"],
    ['sh -c "wget x; tar xf y"', "sh wget tar"],
    ["f() { start; }; f", "start"],
    ["printf 'a; b' # comment ; c", "printf"],
    ["timeout -k 5 30 wget http://a?b=1", "timeout wget"],
    ["nohup foo > /dev/null 2>&1 &", "nohup foo"],
    ['"$FOO" x; $CMD y; /opt/$DIR/run z', ""],
    ["if true; then case $x in a) foo;; esac; fi", ""],
    ["a=1; (cd /x; make)", "cd make"],
    ["echo hi>/tmp/x;bar\\\n  --baz", "echo bar"],
    ["sed -e '/^a/p' \"unclosed", "sed"],
  ])("are those of %j", (line, programs) => {
    expect(
      programsOf(line)
        .map(({ name }) => name)
        .join(" "),
    ).toBe(programs);
  });
});
