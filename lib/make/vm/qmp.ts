import type { Socket } from "node:net";
import { createInterface } from "node:readline";

/** QEMU's machine protocol, on an open connection (QEMU's documentation, "QEMU Machine Protocol Specification"). */
export interface Monitor {
  /** Runs a command without arguments. Throws QEMU's error response, and if QEMU has ended. */
  execute(command: string): Promise<void>;
}

interface Reply {
  readonly QMP?: unknown;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

/** Starts the protocol with QEMU on `socket`; commands run in order. */
export async function connectMonitor(socket: Socket): Promise<Monitor> {
  const waiting: ((reply: Reply) => void)[] = [];
  const replies = createInterface({ input: socket });
  replies.on("line", (line) => {
    const reply = JSON.parse(line) as Reply;
    // ignore events
    if (reply.QMP !== undefined || reply.return !== undefined || reply.error !== undefined)
      waiting.shift()?.(reply);
  });
  socket.on("error", () => undefined); // "close" follows
  socket.on("close", () => {
    for (const answer of waiting.splice(0)) answer({ error: { desc: "QEMU is gone" } });
  });
  const nextReply = () => new Promise<Reply>((resolve) => waiting.push(resolve));
  async function execute(command: string): Promise<void> {
    if (socket.destroyed) throw new Error(`QEMU is gone, cannot run ${command}`);
    const reply = nextReply();
    socket.write(`${JSON.stringify({ execute: command })}\n`);
    const { error } = await reply;
    if (error !== undefined) throw new Error(`QEMU refused ${command}: ${error.desc}`);
  }
  await nextReply();
  await execute("qmp_capabilities");
  return { execute };
}
