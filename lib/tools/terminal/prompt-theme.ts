import { styleText } from "node:util";

/**
 * The theme of prompts, in ASCII: kernel and serial consoles have few other characters. Every kind of prompt gets it,
 * and uses the parts that it supports.
 */
export function promptTheme(coloured: boolean) {
  const paint = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    coloured ? styleText(format, text, { validateStream: false }) : text;
  const [strong, faint, lit, warning] = [paint("bold"), paint("dim"), paint("cyan"), paint("red")];
  return {
    prefix: { idle: paint("blue")("?"), done: paint("green")("*") },
    icon: { cursor: ">" },
    indexMode: "number" as const,
    spinner: { interval: 200, frames: ["-", "\\", "|", "/"] },
    style: {
      answer: lit,
      message: strong,
      error: (text: string) => warning(`> ${text}`),
      defaultAnswer: (text: string) => faint(`(${text})`),
      help: faint,
      highlight: lit,
      key: lit,
      disabled: faint,
      description: (text: string) => text,
      confirmDefault: (text: string) => text.toUpperCase(),
      keysHelpTip: () => faint("Up, Down or a number, then Enter"),
    },
  };
}

/**
 * Whether a terminal of this type shows colours. Serial terminals (vt100, vt220) and `dumb` ones do not declare
 * support, so they get none; NO_COLOR disables colours (https://no-color.org).
 */
export function showsColours(env: Readonly<Record<string, string | undefined>>): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== "") return false;
  return /^(?:linux|xterm|screen|tmux|rxvt|alacritty|foot|konsole|putty|st-|vte)|color|direct/.test(
    env.TERM ?? "",
  );
}
