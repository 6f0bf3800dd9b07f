import { describe, expect, test } from "bun:test";
import { PassThrough, type Readable } from "node:stream";
import { openKeyboard } from "../../../../lib/tools/terminal/keyboard.ts";

/** A question that reads up to the end of a line; what it hears key by key goes to `heard`. */
function line(heard: string[] = []) {
  return (input: Readable) =>
    new Promise<string>((resolve) => {
      let text = "";
      input.on("data", (chunk: Buffer) => {
        heard.push(chunk.toString());
        if (/[\r\n]/.test(chunk.toString())) resolve(text);
        else text += chunk.toString();
      });
      input.on("end", () => resolve("(end)"));
    });
}

describe("openKeyboard()", () => {
  test("keeps what is typed ahead for the questions that follow", async () => {
    const keys = new PassThrough();
    using keyboard = openKeyboard(keys);
    keys.write("1\ry\rhttp://x/y\r");
    expect(await keyboard.ask(line())).toBe("1");
    expect(await keyboard.ask(line())).toBe("y");
    keys.write("late\n");
    expect([await keyboard.ask(line()), await keyboard.ask(line())]).toEqual(["http://x/y", "late"]);
  });

  test("takes a carriage return with a line feed for one key", async () => {
    const keys = new PassThrough();
    using keyboard = openKeyboard(keys);
    keys.write("a\r");
    keys.write("\nb\r\n");
    expect([await keyboard.ask(line()), await keyboard.ask(line())]).toEqual(["a", "b"]);
  });

  test("hands over a key in one piece, be it an escape sequence or a character of several bytes", async () => {
    const keys = new PassThrough();
    using keyboard = openKeyboard(keys);
    const bytes = Buffer.from("ü\u001b[A\u001bOP\r");
    keys.write(bytes.subarray(0, 1));
    keys.write(bytes.subarray(1));
    const heard: string[] = [];
    await keyboard.ask(line(heard));
    expect(heard).toEqual(["ü", "\u001b[A", "\u001bOP", "\r"]);
  });

  test("holds keys while an answer is looked at, and forgets them if it was wrong", async () => {
    const keys = new PassThrough();
    using keyboard = openKeyboard(keys);
    const heard: string[] = [];
    keys.write("bad\rnext\r");
    let looks = 0;
    const answer = await keyboard.ask(
      (input) =>
        new Promise<string>((resolve) => {
          let text = "";
          input.on("data", async (chunk: Buffer) => {
            heard.push(chunk.toString());
            if (chunk.toString() !== "\r") {
              text += chunk.toString();
              return;
            }
            looks++;
            const right = await keyboard.hold(async () => {
              await new Promise((done) => setImmediate(done));
              return text !== "bad";
            });
            if (right) return resolve(text);
            text = "";
            keyboard.drop();
            keys.write("good\r");
          });
        }),
    );
    expect([answer, looks]).toEqual(["good", 2]);
    expect(heard.join("")).toBe("bad\rgood\r");
  });

  test("ends a question where no more keys can come, once those that came are used", async () => {
    const keys = new PassThrough();
    using keyboard = openKeyboard(keys);
    keys.end("a\r");
    expect([await keyboard.ask(line()), await keyboard.ask(line())]).toEqual(["a", "(end)"]);
  });

  test("gives an interrupt to the question at once, and forgets all else", async () => {
    const keys = new PassThrough();
    using keyboard = openKeyboard(keys);
    const heard: string[] = [];
    const asked = keyboard.ask(
      (input) =>
        new Promise<void>((resolve) => {
          input.on("data", (chunk: Buffer) => {
            heard.push(chunk.toString());
            if (chunk.toString() === "\u0003") resolve();
          });
          void keyboard.hold(() => new Promise(() => undefined)); // an answer that is looked at for ever
          keys.write("abc\u0003");
        }),
    );
    await asked;
    expect(heard).toEqual(["\u0003"]);
  });

  test("sets the terminal's mode, and sets it back", () => {
    const modes: boolean[] = [];
    const keys = Object.assign(new PassThrough(), { setRawMode: (raw: boolean) => modes.push(raw) });
    openKeyboard(keys)[Symbol.dispose]();
    expect(modes).toEqual([true, false]);
    expect(process.listenerCount("SIGTERM")).toBe(0);
  });
});
