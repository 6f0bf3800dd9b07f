import type { Host } from "../host/host.ts";
import { fetchText } from "../http/http.ts";

/**
 * The health endpoint of the kubelet, on servers and agents: its `--healthz-port`.
 * https://kubernetes.io/docs/reference/command-line-tools-reference/kubelet/
 */
const KUBELET = "http://127.0.0.1:10248/healthz";

/**
 * Asks the kubelet of this node whether it is well, once, for `timeout` milliseconds. Throws HttpError if it is not, or
 * does not answer.
 */
export async function askKubelet(timeout: number, host: Pick<Host, "log" | "clock" | "env">): Promise<void> {
  await fetchText(KUBELET, { timeout, retries: 0 }, host);
}
