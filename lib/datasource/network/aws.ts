import { HttpError } from "../../tools/http/http.ts";
import { CommandError } from "../../tools/text/errors.ts";
import type { Access, Metadata, Provider } from "../data-source.ts";
import { reach } from "./answer.ts";
import { readEc2Tree } from "./ec2-tree.ts";

const BASES = ["http://169.254.169.254", "http://[fd00:ec2::254]"];
const TOKEN = "/latest/api/token";
const TOKEN_SECONDS = "21600";

/**
 * Amazon EC2: the instance metadata service.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html
 */
export const aws = awsAt(BASES);

/** {@link aws} at other addresses. */
export function awsAt(bases: readonly string[]): Provider {
  return {
    name: "aws",
    title: "AWS",
    kind: "network",
    // the bytes of the UUID's first group may be swapped (SMBIOS)
    recognises: ({ dmi, hypervisorUuid }) =>
      /^ec2/i.test(hypervisorUuid) ||
      /^(?:ec2[0-9a-f]{5}|[0-9a-f]{4}2[0-9a-f]ec)-/i.test(dmi.product_uuid ?? "") ||
      dmi.sys_vendor === "Amazon EC2",
    read: (access) => readAws(bases, access),
  };
}

async function readAws(bases: readonly string[], access: Access): Promise<Metadata | undefined> {
  let { base, token } = await openSession(bases, access);
  let renewal: Promise<void> | undefined;
  const get = async (path: string): Promise<Buffer | undefined> => {
    const used = token;
    const ask = () =>
      access.fetch(`${base}/latest/${path}`, {
        headers: token === undefined ? {} : { "x-aws-ec2-metadata-token": token },
      });
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof HttpError) || error.status !== 401 || used === undefined) throw error;
      // the token has expired, for example after a pause of the instance; concurrent requests share the new one
      renewal ??= openSession([base], access).then((session) => {
        token = session.token;
      });
      await renewal;
      return await ask();
    }
  };
  return await readEc2Tree(get, access);
}

interface Session {
  readonly base: string;
  /** undefined: the service has no tokens. */
  readonly token: string | undefined;
}

/**
 * Fetches a session token (IMDSv2). A request without a token follows only if the service refuses the token request
 * itself, like imitations of an older EC2. 403 means that the service is disabled for this instance.
 */
async function openSession(bases: readonly string[], access: Access): Promise<Session> {
  const question = {
    method: "PUT",
    headers: { "x-aws-ec2-metadata-token-ttl-seconds": TOKEN_SECONDS },
    none: [400, 404, 405],
  } as const;
  const { base, content } = await reach(bases, TOKEN, question, access);
  if (content === undefined) {
    access.ignored("session tokens: the service knows none, asked without");
    return { base, token: undefined };
  }
  const token = content.toString("latin1").trim();
  // not in the message: the token gives access to the instance's credentials
  if (!/^[\x21-\x7e]{1,1024}$/.test(token)) throw new CommandError("The session token is not valid");
  return { base, token };
}
