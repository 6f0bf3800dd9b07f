import { describe, expect, test } from "bun:test";
import { consolesOf } from "../../../lib/install/console.ts";

const consoles = (tty: string | undefined, terminal: string | undefined, cmdline: string) =>
  consolesOf(tty, { terminal, cmdline }).join(" ");

describe("consolesOf()", () => {
  test("puts the terminal that was asked for last, where it becomes /dev/console", () => {
    expect(consoles("ttyS1,115200", "/dev/ttyS0", "console=ttyS0 console=tty1")).toBe("tty1 ttyS1,115200");
  });

  test("names tty1 once when that was asked for", () => {
    expect(consoles("tty1", "/dev/ttyS0", "console=ttyS0")).toBe("tty1");
  });

  test("puts the serial terminal of the installer last, with the mode it has now", () => {
    expect(consoles(undefined, "/dev/ttyS0", "console=ttyS0,115200 console=tty1")).toBe("tty1 ttyS0,115200");
    expect(consoles(undefined, "/dev/ttyAMA0", "quiet")).toBe("tty1 ttyAMA0");
  });

  test("takes the consoles of the running system in their order when there is no terminal", () => {
    expect(consoles(undefined, undefined, "a console=ttyS0 console=tty1 b")).toBe("ttyS0 tty1");
    expect(consoles(undefined, "/dev/tty1", "console=tty0 console=ttyS0,9600")).toBe("tty1 ttyS0,9600");
  });

  test("always has tty1", () => {
    expect(consoles(undefined, undefined, "")).toBe("tty1");
    expect(consoles(undefined, undefined, "console=ttyS0")).toBe("tty1 ttyS0");
  });

  test("takes the last of two modes of one console, and nothing odd", () => {
    expect(consoles(undefined, undefined, "console=ttyS0 console=tty1 console=ttyS0,115200")).toBe(
      "tty1 ttyS0,115200",
    );
    expect(consoles(undefined, undefined, "console=null;x console=")).toBe("tty1");
  });
});
