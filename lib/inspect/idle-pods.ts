/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ */
export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
  };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

interface ContainerStatus {
  readonly state?: { readonly waiting?: { readonly reason?: string } };
}

/** Milliseconds in which a pod may fetch its image and start. */
const STARTING = 2 * 60_000;

/** What the kubelet waits for by itself; any other reason is a failure: `ImagePullBackOff`, `CrashLoopBackOff` … */
const ON_ITS_WAY = ["ContainerCreating", "PodInitializing"];

/** The pods that should be ready and are not: those that fail, and those that take longer than two minutes. */
export function findIdlePods(pods: readonly Pod[], now: number): Pod[] {
  return pods.filter(({ metadata, status = {} }) => {
    if (metadata.deletionTimestamp !== undefined || ["Succeeded", "Failed"].includes(status.phase ?? "")) {
      return false; // it ends, or has ended; its owner makes another one
    }
    const isReady = status.conditions?.some(({ type, status: word }) => type === "Ready" && word === "True");
    if (isReady) return false;
    const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
    const reasons = containers.flatMap(({ state }) => state?.waiting?.reason ?? []);
    const fails = reasons.some((reason) => !ON_ITS_WAY.includes(reason));
    return fails || now - Date.parse(metadata.creationTimestamp ?? "") > STARTING;
  });
}
