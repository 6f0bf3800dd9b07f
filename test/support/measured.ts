import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

export interface Measured {
  readonly status: number | null;
  /** The most physical memory that it had at once, in bytes (VmHWM of proc_pid_status(5)). */
  readonly memory: number;
}

const EVERY = 20;

/** Runs a program, and looks every 20 ms how much memory it has needed. */
export async function startMeasured(
  [file = "", ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Measured> {
  const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: "ignore" });
  let memory = 0;
  const timer = setInterval(() => {
    memory = Math.max(memory, peakOf(child.pid));
  }, EVERY);
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", resolve);
    });
    return { status, memory };
  } finally {
    clearInterval(timer);
  }
}

/** 0 for a process that has ended: it has no memory any more. */
function peakOf(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
