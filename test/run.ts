import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { openAptRoot } from "../lib/make/build/apt.ts";
import { enableForeignPrograms } from "../lib/make/build/foreign-programs.ts";
import { ensurePackages } from "../lib/make/build/required-packages.ts";
import { SUITE } from "../lib/make/image/debian-packages.ts";
import { systemHost } from "../lib/tools/host/host.ts";
import { type Arch, targetOf } from "../lib/tools/host/targets.ts";
import { EXIT, exitStatus, formatError, messageOf } from "../lib/tools/text/errors.ts";
import { whyNoK3s } from "./support/built-k3s.ts";
import { leftOutVariable, whyLeftOut } from "./support/left-out.ts";
import { NOTHING, type Outcome, succeeded, summary, total } from "./support/report.ts";
import {
  filesOfShard,
  type RingName,
  type RunRequest,
  readRunArguments,
  runHelp,
} from "./support/run-arguments.ts";
import { openScratch, readOutcome, type TestRun, testArguments } from "./support/run-files.ts";
import { TEST_PACKAGES, UNIT_PACKAGES } from "./support/setup.ts";

/** What a short run leaves out, so that it ends within 45 minutes on two processors, and why. */
const LEFT_OUT = {
  long: 'takes long: "npm test -- all"',
  arm: 'its image and machines take half an hour: "npm test -- all"',
} as const;

const PROJECT = join(import.meta.dirname, "..");
const REPORTS = join(PROJECT, "dist/test");
const MINUTE = 60_000;
/** Biome colours even what goes to a file. */
const COLOURS = process.stdout.isTTY ? [] : ["--colors=off"];

/** What a ring needs before it can run: each of it is made once. */
type Need = "tools" | "packages" | "artifacts" | "boards" | "root" | "k3s";

interface Ring {
  readonly name: RingName;
  readonly needs: readonly Need[];
  /** Milliseconds for the whole ring. */
  readonly limit: number;
  /** Why the ring cannot run here, though nothing failed: it then counts as skipped. Asked when its needs are met. */
  readonly lacks?: () => string | undefined;
  readonly work: { readonly kind: "program"; readonly argv: readonly string[] } | TestFiles;
}

interface TestFiles {
  readonly kind: "tests";
  readonly directory: string;
  /** Milliseconds for one test. */
  readonly timeout: number;
  /** How many files may run at the same time, each in a runner of its own (default 1). */
  readonly atOnce?: number;
  /** As in {@link TestRun} (default false). */
  readonly spread?: boolean;
}

const RINGS: readonly Ring[] = [
  {
    name: "format",
    needs: [],
    limit: 5 * MINUTE,
    work: { kind: "program", argv: ["node_modules/.bin/biome", "ci", ...COLOURS, "."] },
  },
  {
    name: "types",
    needs: [],
    limit: 5 * MINUTE,
    work: { kind: "program", argv: ["node_modules/.bin/tsc", "--noEmit"] },
  },
  {
    name: "unit",
    needs: ["tools"],
    limit: 15 * MINUTE,
    work: { kind: "tests", directory: "test/unit", timeout: 20_000, spread: true },
  },
  {
    name: "system",
    needs: ["root", "packages", "artifacts"],
    limit: 30 * MINUTE,
    work: { kind: "tests", directory: "test/system", timeout: 3 * MINUTE },
  },
  {
    name: "vm",
    needs: ["packages", "artifacts", "boards"],
    limit: 100 * MINUTE,
    // each machine has one processor
    work: { kind: "tests", directory: "test/vm", timeout: 20 * MINUTE, atOnce: 2 },
  },
  {
    name: "cluster",
    // the artifacts of the other rings are without k3s
    needs: ["root", "packages", "k3s"],
    limit: 240 * MINUTE,
    lacks: whyNoK3s,
    work: { kind: "tests", directory: "test/cluster", timeout: 60 * MINUTE },
  },
];

const BUILD_LIMIT = 30 * MINUTE;

async function main(argv: readonly string[]): Promise<number> {
  try {
    const request = readRunArguments(argv);
    if (request !== undefined) return await runRings(request);
    process.stdout.write(runHelp());
    return EXIT.done;
  } catch (error) {
    process.stderr.write(`${formatError(error)}\n`);
    return exitStatus(error);
  }
}

async function runRings(request: RunRequest): Promise<number> {
  const rings = RINGS.filter(({ name }) => request.rings.includes(name));
  if (request.short) leaveOut(LEFT_OUT);
  const needs = new Map<Need, Promise<void>>();
  const outcomes: Outcome[] = [];
  for (const [at, ring] of rings.entries()) {
    const next = rings[at + 1]?.needs ?? [];
    outcomes.push(await runRing(ring, { request, next }, needs));
  }
  const all = total(outcomes);
  process.stdout.write(`\n${summary(all)}`);
  return succeeded(all) ? EXIT.done : EXIT.failed;
}

function leaveOut(parts: Readonly<Partial<Record<"long" | Arch, string>>>): void {
  for (const [part, reason] of Object.entries(parts)) {
    process.env[leftOutVariable(part as "long" | Arch)] = reason;
  }
}

/**
 * A build beside tests must not take their time; nor, by a copy of the mounts that they have just made, their disks, which
 * could then not be detached.
 */
const BESIDE_TESTS = ["unshare", "--mount", "--propagation", "private", "nice", "--adjustment=19"];

/** What is met while the ring before runs, whose tests leave half of the machine idle. */
const AHEAD: readonly Need[] = ["boards"];

/** Meets the needs of a ring and runs it, while some of the next one's are met. */
async function runRing(
  ring: Ring,
  { request, next }: { readonly request: RunRequest; readonly next: readonly Need[] },
  met: Map<Need, Promise<void>>,
): Promise<Outcome> {
  const started = performance.now();
  const meet = (need: Need): Promise<void> => {
    const meeting = met.get(need) ?? MEET[need]();
    met.set(need, meeting);
    return meeting;
  };
  try {
    for (const need of ring.needs) await meet(need);
    // a failure is told by the ring that needs it
    for (const need of next.filter((name) => AHEAD.includes(name))) meet(need).catch(() => undefined);
    process.stdout.write(`\n── ${ring.name} ──\n`);
    const lacking = ring.lacks?.();
    if (lacking !== undefined) return { ...NOTHING, skipped: [`${ring.name}: ${lacking}`] };
    return await (ring.work.kind === "program"
      ? runProgramRing(ring, ring.work)
      : runTests(ring, request, ring.work));
  } catch (error) {
    process.stderr.write(`${formatError(error)}\n`);
    return { ...NOTHING, failed: [`${ring.name}: could not run`] };
  } finally {
    process.stdout.write(`── ${ring.name}: ${((performance.now() - started) / 1000).toFixed(1)} s ──\n`);
  }
}

const WITHOUT_K3S = ["--k3s", "none"];

const MEET: Readonly<Record<Need, () => Promise<void>>> = {
  root: async () => {
    if (process.getuid?.() !== 0) throw new Error("This ring mounts and partitions, so it needs root");
  },
  tools: () => ensurePackages(UNIT_PACKAGES, systemHost()),
  packages: () => ensurePackages(TEST_PACKAGES, systemHost()),
  artifacts: async () => {
    process.stdout.write("\n── build ──\n");
    // under emulation, a k3s takes what tests of the system itself need: of the machine, and of the time
    for (const what of [["bin"], WITHOUT_K3S]) await build(what);
  },
  k3s: async () => {
    process.stdout.write("\n── build with k3s ──\n");
    await build([]);
  },
  // each is one processor's work most of the time: that of installing packages
  boards: async () => {
    const wanted = (["arm64", "arm"] as const).filter((arch) => whyLeftOut(arch) === undefined);
    for (const arch of wanted) await enableForeignPrograms(targetOf(arch), systemHost());
    const [arm64, arm] = await Promise.allSettled(
      wanted.map((arch) => build(["--arch", arch, ...WITHOUT_K3S], BESIDE_TESTS)),
    );
    if (arm64?.status === "rejected") throw arm64.reason;
    if (arm?.status !== "rejected") return;
    const reason = await mirrorFault("armhf");
    if (reason === undefined) throw arm.reason;
    leaveOut({ arm: reason });
  },
};

/** Debian's mirrors are at times out of step with their own index, for 32-bit ARM for days: nothing can be built then. */
async function mirrorFault(arch: string): Promise<string | undefined> {
  try {
    await using _apt = await openAptRoot({ suite: SUITE, arch }, systemHost());
    return undefined;
  } catch (error) {
    return messageOf(error).split("\n")[0];
  }
}

async function build(argv: readonly string[], prefix: readonly string[] = []): Promise<void> {
  const ended = await runVisibly([...prefix, process.execPath, "bin/build.ts", ...argv], BUILD_LIMIT);
  if (ended !== "status 0")
    throw new Error(`The build of ${argv.join(" ") || "this machine's images"} ended with ${ended}`);
}

async function runProgramRing(
  { name, limit }: Ring,
  { argv }: { argv: readonly string[] },
): Promise<Outcome> {
  const ended = await runVisibly(argv, limit);
  return ended === "status 0" ? { ...NOTHING, passed: 1 } : { ...NOTHING, failed: [`${name}: ${ended}`] };
}

async function runTests(
  { name, limit }: Ring,
  { filters, shard }: RunRequest,
  { directory, timeout, spread = false, atOnce = 1 }: TestFiles,
): Promise<Outcome> {
  const wanted = testFiles(directory).filter((file) => {
    return filters.length === 0 || filters.some((filter) => file.includes(filter));
  });
  const files = filesOfShard(wanted, shard);
  if (files.length === 0) return { ...NOTHING, failed: [`${name}: no test file`] };
  mkdirSync(REPORTS, { recursive: true });
  const end = performance.now() + limit;
  const queue = atOnce === 1 ? [files] : files.map((file) => [file]);
  const outcomes: Outcome[] = [];
  const worker = async () => {
    // from the end: of the machines, the last file has the ones that take longest
    for (let batch = queue.pop(); batch !== undefined; batch = queue.pop()) {
      const report = join(REPORTS, atOnce === 1 ? `${name}.xml` : `${name}-${basename(batch[0] ?? "")}.xml`);
      outcomes.push(await runFiles(batch, { report, timeout, spread, limit: end - performance.now() }));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return total(outcomes);
}

async function runFiles(
  files: readonly string[],
  { limit, ...run }: TestRun & { readonly limit: number },
): Promise<Outcome> {
  rmSync(run.report, { force: true });
  using scratch = run.spread ? openScratch() : undefined;
  const env = scratch === undefined ? process.env : { ...process.env, TMPDIR: scratch.path };
  return readOutcome(run.report, await runVisibly(testArguments(files, run), Math.max(1, limit), env));
}

function testFiles(directory: string): string[] {
  return readdirSync(join(PROJECT, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".test.ts"))
    .map((entry) => `./${relative(PROJECT, join(entry.parentPath, entry.name))}`)
    .sort();
}

/** Runs a program of the project on our own output; says how it ended. After `limit` milliseconds it is killed. */
function runVisibly(argv: readonly string[], limit: number, env = process.env): Promise<string> {
  const [file = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: PROJECT, env, stdio: ["ignore", "inherit", "inherit"] });
    const timer = setTimeout(() => child.kill("SIGKILL"), limit);
    child.once("error", reject);
    child.once("close", (status, signal) => {
      clearTimeout(timer);
      resolve(signal === null ? `status ${status}` : `${signal} (limit: ${(limit / MINUTE).toFixed(1)} min)`);
    });
  });
}

process.exit(await main(process.argv.slice(2)));
