import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from "@actions/workflow-parser";
import { parse } from "yaml";
import { programCalls, type Words } from "./shell-lines.ts";
import { PROJECT } from "./sources.ts";

const DIRECTORY = ".github/workflows";

/** A workflow of hosted CI; of its words the ones that tests look at. */
export interface Workflow {
  /** Relative to the project's root. */
  readonly path: string;
  readonly text: string;
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly concurrency?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

export interface Job {
  /** Another workflow. */
  readonly uses?: string;
  readonly "timeout-minutes"?: number;
  readonly strategy?: { readonly matrix: Readonly<Record<string, unknown>> };
  readonly steps?: readonly Step[];
}

interface Step {
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly uses?: string;
}

/** The workflows below .github. */
export function readWorkflows(): Workflow[] {
  const names = readdirSync(join(PROJECT, DIRECTORY)).sort();
  return names.map((name) => readWorkflow(`${DIRECTORY}/${name}`));
}

function readWorkflow(path: string): Workflow {
  const text = readFileSync(join(PROJECT, path), "utf8");
  return { ...parse(text), path, text };
}

/** What GitHub's own reader finds wrong with a workflow, and with its use of others that `read` knows by their paths. */
export async function workflowFaults(
  { path, text }: Pick<Workflow, "path" | "text">,
  read: (path: string) => string,
): Promise<string[]> {
  const { context, value } = parseWorkflow({ name: path, content: text }, new NoOperationTraceWriter());
  if (value !== undefined) {
    const files = {
      getFileContent: async (file: { readonly path?: string }) => {
        return { name: file.path ?? "", content: read(file.path ?? "") };
      },
    };
    await convertWorkflowTemplate(context, value, files, { fetchReusableWorkflowDepth: 1 });
  }
  return context.errors.getErrors().map(({ message }) => message);
}

/** All steps of a workflow. */
export function stepsOf({ jobs }: Pick<Workflow, "jobs">): Step[] {
  return Object.values(jobs).flatMap(({ steps = [] }) => steps);
}

/** The actions and workflows that a workflow uses, with the comments behind them. */
export function usesOf({ text }: Pick<Workflow, "text">): string[] {
  return [...text.matchAll(/\buses: (.*)$/gm)].map(([, what = ""]) => what);
}

/** The program calls of all `run` lines: one for each value of the matrix that a step has in a variable. */
export function callsOf({ jobs }: Pick<Workflow, "jobs">): Words[] {
  return Object.values(jobs).flatMap(({ steps = [], strategy }) => {
    return steps.flatMap(({ run = "", env = {} }) => {
      const lines = Object.entries(env).reduce(
        (before, [name, value]) => {
          const key = /^\$\{\{ matrix\.(\w+) \}\}$/.exec(value)?.[1];
          const values = key === undefined ? [value] : matrixValues(strategy?.matrix[key]);
          return before.flatMap((line) => values.map((each) => line.replaceAll(`$${name}`, each)));
        },
        [run],
      );
      return lines.flatMap(programCalls);
    });
  });
}

/** The values of a matrix, a list or an expression that chooses one of several lists in JSON. */
function matrixValues(list: unknown): string[] {
  return Array.isArray(list) ? list.map(String) : (String(list).match(/(?<=")\w+(?=")/g) ?? []);
}
