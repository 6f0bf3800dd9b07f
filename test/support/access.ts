import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Access } from "../../lib/datasource/data-source.ts";
import type { Platform } from "../../lib/datasource/platform.ts";
import { HttpError } from "../../lib/tools/http/http.ts";
import { type TestHost, type TestHostOptions, testHost } from "./host.ts";

type Files = Readonly<Record<string, string | Uint8Array>>;

export interface TestAccess extends Access, Disposable {
  /** What was said to be left out. */
  readonly notes: readonly string[];
  /** URLs that were asked for, in order. */
  readonly asked: readonly string[];
  readonly programs: TestHost["programs"];
}

export interface TestAccessOptions extends Omit<TestHostOptions, "files"> {
  readonly platform?: Partial<Platform>;
  /** Files below the root, by absolute path. */
  readonly files?: Files;
  /** Files of each device that can be mounted. */
  readonly volumes?: Readonly<Record<string, Files>>;
  /** Content by URL; a number is the status of a failure; any other URL is not there. */
  readonly urls?: Readonly<Record<string, string | number>>;
}

/** What a provider works with, on an empty temporary root, where devices are mounted by copying their files. */
export function testAccess(options: TestAccessOptions = {}): TestAccess {
  const notes: string[] = [];
  const asked: string[] = [];
  const { files = {}, volumes = {}, urls = {}, platform, answer, ...rest } = options;
  const host = testHost({
    ...rest,
    answer: (argv, runOptions) => {
      const target = argv.at(-1) ?? "";
      if (argv[0] === "umount")
        for (const name of readdirSync(target)) rmSync(join(target, name), { recursive: true });
      if (argv[0] !== "mount") return answer?.(argv, runOptions) ?? {};
      const volume = volumes[argv.at(-2) ?? ""];
      if (volume === undefined) return { code: 32, stderr: "no medium found" };
      putFiles(target, volume);
      return {};
    },
  });
  putFiles(host.root, files);
  return {
    ...host,
    notes,
    asked,
    platform: { dmi: {}, hypervisorUuid: "", words: [], devices: [], firmwareConfig: [], ...platform },
    fetch: async (url) => {
      asked.push(url);
      const found = urls[url];
      if (typeof found === "number")
        throw new HttpError(`Cannot fetch "${url}": status ${found}`, { status: found });
      return found === undefined ? undefined : Buffer.from(found);
    },
    ignored: (what) => notes.push(what),
  };
}

function putFiles(root: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

/** The user data of what a provider gave, as text. */
export function userdataOf(metadata: { readonly userdata?: Uint8Array } | undefined): string | undefined {
  return metadata?.userdata === undefined ? undefined : Buffer.from(metadata.userdata).toString();
}
