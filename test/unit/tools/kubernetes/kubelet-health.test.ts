import { expect, test } from "bun:test";
import { HttpError } from "../../../../lib/tools/http/http.ts";
import { askKubelet } from "../../../../lib/tools/kubernetes/kubelet-health.ts";
import { testHost } from "../../../support/host.ts";

test("askKubelet() throws where no kubelet answers", async () => {
  using host = testHost();
  expect(askKubelet(500, host)).rejects.toBeInstanceOf(HttpError);
});
