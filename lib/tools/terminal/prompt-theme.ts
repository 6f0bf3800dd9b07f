import { styleText } from "node:util";

/**
 * How questions look, in ASCII: consoles of the kernel and of serial lines have few other characters. It is given to every
 * kind of question, which takes of it what it has.
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
 * Whether a terminal of this kind shows colours. Those of serial lines (vt100, vt220) and `dumb` ones do not say that they
 * do, so they get none; nor does anybody who sets NO_COLOR (https://no-color.org).
 */
export function showsColours(env: Readonly<Record<string, string | undefined>>): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== "") return false;
  return /^(?:linux|xterm|screen|tmux|rxvt|alacritty|foot|konsole|putty|st-|vte)|color|direct/.test(
    env.TERM ?? "",
  );
}
