/** What a ring of tests came to; failures and skips by name, so that none is silent. */
export interface Outcome {
  readonly passed: number;
  readonly failed: readonly string[];
  /** Each with its reason: a test that may skip carries it in its name. */
  readonly skipped: readonly string[];
}

export const NOTHING: Outcome = { passed: 0, failed: [], skipped: [] };

/** Reads the JUnit report that `bun test --reporter=junit` writes. Throws on a text that holds no report. */
export function readJunit(xml: string): Outcome {
  if (!xml.includes("</testsuites>")) throw new Error("The JUnit report is not complete");
  const cases = [...xml.matchAll(/<testcase\s([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)].map(
    ([, attributes = "", body = ""]) => ({
      title: `${attribute(attributes, "file")}: ${attribute(attributes, "name")}`,
      failed: /<(failure|error)\b/.test(body),
      skipped: body.includes("<skipped"),
    }),
  );
  return {
    passed: cases.filter((test) => !test.failed && !test.skipped).length,
    failed: cases.filter((test) => test.failed).map((test) => test.title),
    skipped: cases.filter((test) => test.skipped).map((test) => test.title),
  };
}

/** All outcomes as one. */
export function total(outcomes: readonly Outcome[]): Outcome {
  return {
    passed: outcomes.reduce((sum, outcome) => sum + outcome.passed, 0),
    failed: outcomes.flatMap((outcome) => outcome.failed),
    skipped: outcomes.flatMap((outcome) => outcome.skipped),
  };
}

/** The end of a run's output: a line per failure and skip, then the one line of figures. */
export function summary({ passed, failed, skipped }: Outcome): string {
  const figures = [`${passed} passed`, `${failed.length} failed`];
  if (skipped.length > 0) figures.push(`${skipped.length} skipped`);
  const lines = [...failed.map((name) => `failed: ${name}`), ...skipped.map((name) => `skipped: ${name}`)];
  return `${[...lines, figures.join(", ")].join("\n")}\n`;
}

/** Whether a run may be called a success: nothing failed, and something ran or says why it did not. */
export function succeeded({ passed, failed, skipped }: Outcome): boolean {
  return failed.length === 0 && passed + skipped.length > 0;
}

function attribute(attributes: string, name: string): string {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
  return value.replace(/&(amp|lt|gt|quot|apos|#(\d+));/g, (_, entity: string, code: string) =>
    code === undefined ? (ENTITIES[entity] ?? "") : String.fromCodePoint(Number(code)),
  );
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
