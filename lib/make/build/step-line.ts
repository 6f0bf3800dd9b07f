import { formatDuration, type ProgressStream } from "../../tools/terminal/progress.ts";

const EVERY = 1000;
const BAR = 24;

/** Names of the running steps, each started by the previous one. */
const going: string[] = [];

/** Clears a drawn line; other output to the same terminal begins with it. */
export const CLEAR_LINE = "\r\x1b[K";

/**
 * Shows the duration of a build step on a terminal, with the `expected` seconds of its last run, if known. Only the
 * innermost step is shown. Without a terminal, and for steps of less than a second, it draws nothing.
 */
export function showStep(
  name: string,
  expected: number | undefined,
  stream: ProgressStream = process.stderr,
): Disposable {
  if (!stream.isTTY) return { [Symbol.dispose]: () => undefined };
  going.push(name);
  const started = performance.now();
  const timer = setInterval(() => {
    const seconds = (performance.now() - started) / 1000;
    if (going.at(-1) === name) stream.write(CLEAR_LINE + stepLine(name, seconds, expected));
  }, EVERY);
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      going.splice(going.lastIndexOf(name), 1);
      stream.write(CLEAR_LINE);
    },
  };
}

/**
 * `userland-amd64: 1:10, 3:00 left [=======                 ]`; without `expected` (seconds) only the name and the
 * time.
 */
export function stepLine(name: string, seconds: number, expected: number | undefined): string {
  const taken = `${name}: ${formatDuration(seconds)}`;
  if (expected === undefined) return taken;
  if (seconds >= expected) return `${taken}, longer than the last time`;
  const filled = Math.floor((seconds / expected) * BAR);
  return `${taken}, ${formatDuration(expected - seconds)} left [${"=".repeat(filled).padEnd(BAR)}]`;
}
