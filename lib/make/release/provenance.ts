import type { Host } from "../../tools/host/host.ts";
import { PROJECT_URL } from "../../tools/host/project.ts";
import type { Arch } from "../../tools/host/targets.ts";
import { CommandError, during } from "../../tools/text/errors.ts";
import type { SourceFacts } from "./release-source.ts";

/** The name of the provenance in a release directory. */
export const PROVENANCE = "k3os-provenance.json";

const STATEMENT = "https://in-toto.io/Statement/v1";
const PREDICATE = "https://slsa.dev/provenance/v1";
/** Documents the parameters below. */
const BUILD_TYPE = `${PROJECT_URL}/blob/main/docs/publish.md`;

/** The name of the k3s of an architecture among the inputs. */
export function k3sInput(arch: Arch): string {
  return `k3s-${arch}`;
}

export interface ProvenanceInput {
  readonly version: string;
  readonly source: SourceFacts;
  /** SHA-256 in hexadecimal by base name. */
  readonly files: ReadonlyMap<string, string>;
  /** What the user chose: `k3s`, `arch`. */
  readonly parameters: Readonly<Record<string, string | readonly string[]>>;
  /** Further inputs that a digest identifies: `name`, and SHA-256 in hexadecimal. */
  readonly inputs: readonly { readonly name: string; readonly sha256: string }[];
}

/**
 * The provenance of a release: an in-toto statement (https://in-toto.io/Statement/v1) with the predicate of SLSA
 * (https://slsa.dev/spec/v1.0/provenance). It is in the signed checksum files, as all files of a release.
 */
export function provenance(
  { version, source, files, parameters, inputs }: ProvenanceInput,
  { env }: Pick<Host, "env">,
): string {
  const subject = [...files].sort().map(([name, sha256]) => ({ name, digest: { sha256 } }));
  const git = { uri: `git+${PROJECT_URL}@refs/tags/${version}`, digest: { gitCommit: source.commit } };
  const statement = {
    _type: STATEMENT,
    subject,
    predicateType: PREDICATE,
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: { version, ...parameters },
        internalParameters: { tags: source.tags, dirty: source.dirty },
        resolvedDependencies: [git, ...inputs.map(({ name, sha256 }) => ({ name, digest: { sha256 } }))],
      },
      runDetails: {
        builder: { id: builderOf(env) },
      },
    },
  };
  return `${JSON.stringify(statement, undefined, 1)}\n`;
}

/** The workflow on GitHub, and otherwise any machine. */
function builderOf(env: Host["env"]): string {
  const { GITHUB_SERVER_URL: server, GITHUB_WORKFLOW_REF: workflow } = env;
  return server && workflow ? `${server}/${workflow}` : `${PROJECT_URL}/blob/main/docs/publish.md#local`;
}

/** What publishing needs to know of a provenance. */
export interface MadeFrom {
  readonly version: string;
  readonly commit: string;
  readonly dirty: readonly string[];
  /** SHA-256 in hexadecimal of the inputs, by name. */
  readonly inputs: ReadonlyMap<string, string>;
}

/** Reads {@link provenance}. Throws CommandError. */
export async function readProvenance(text: string): Promise<MadeFrom> {
  return await during(`Reading "${PROVENANCE}"`, () => {
    const { predicateType, predicate } = JSON.parse(text) as {
      readonly predicateType?: unknown;
      readonly predicate?: {
        readonly buildDefinition: {
          readonly externalParameters: { readonly version: string };
          readonly internalParameters: { readonly dirty: readonly string[] };
          readonly resolvedDependencies: readonly {
            readonly name?: string;
            readonly digest: { readonly gitCommit?: string; readonly sha256?: string };
          }[];
        };
      };
    };
    if (predicateType !== PREDICATE || predicate === undefined)
      throw new CommandError(`Found the predicate "${predicateType}", expected ${PREDICATE}`);
    const { externalParameters, internalParameters, resolvedDependencies } = predicate.buildDefinition;
    const commit = resolvedDependencies.flatMap(({ digest }) => digest.gitCommit ?? [])[0] ?? "";
    const inputs = resolvedDependencies.flatMap(({ name, digest: { sha256 } }): [string, string][] => {
      return name === undefined || sha256 === undefined ? [] : [[name, sha256]];
    });
    const { version } = externalParameters;
    return { version, commit, dirty: internalParameters.dirty, inputs: new Map(inputs) };
  });
}
