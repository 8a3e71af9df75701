import { render, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { StepStatus } from "../src/gql/generated";
import { formatAmount, whatNow } from "../src/queue/dealText";
import { StepDots } from "../src/queue/StepDots";
import { doneDeal, failedDeal, queuedDeal, runningDeal, steps } from "./deals";

const MANY = Array.from({ length: 14 }, (_, index) => ({
  ...(steps("DONE")[0] as ReturnType<typeof steps>[number]),
  stage: `stage-${index}`,
  status: (index < 7 ? "DONE" : "PENDING") as StepStatus,
}));

describe("The step dots", () => {
  it.each<[StepStatus[], string]>([
    [[], "0 of 6 steps done"],
    [["DONE", "RUNNING"], "1 of 6 steps done; Validate running"],
    [["DONE", "DONE", "FAILED"], "2 of 6 steps done; Associate failed"],
    [["DONE", "SKIPPED", "CANCELLED"], "1 of 6 steps done; Validate skipped; Associate cancelled"],
    [["DONE", "DONE", "DONE", "DONE", "DONE", "DONE"], "6 of 6 steps done"],
  ])("of %j are named %s", (statuses, name) => {
    render(<StepDots steps={steps(...statuses)} />);
    expect(screen.getByRole("img", { name })).toBeTruthy();
  });

  it("are one shape a step, each with a tooltip", () => {
    render(<StepDots steps={steps("DONE", "FAILED")} />);
    const shapes = [...document.querySelectorAll<SVGElement>(".step-shape")].map((shape) => shape.dataset.status);
    expect(shapes).toEqual(["DONE", "FAILED", "PENDING", "PENDING", "PENDING", "PENDING"]);
    expect(document.querySelector("title")?.textContent).toBe("Fetch: done");
  });

  it("are a bar when there are more than ten", () => {
    render(<StepDots steps={MANY} />);
    expect(screen.getByRole("img", { name: "7 of 14 steps done" }).textContent).toBe("7/14");
  });
});

describe("What a deal is doing", () => {
  it("is its running stage with its start, its failed stage, its whole time, its reason, or waiting", () => {
    expect(whatNow(runningDeal())).toMatchObject({ text: "Validate", endedAt: null });
    expect(whatNow(failedDeal())?.text).toBe("Associate failed");
    const waiting = failedDeal({ status: "RETRYING", waitsFor: "the scope crm.objects.contacts.read" });
    expect(whatNow(waiting)?.text).toBe("Associate waits for the scope crm.objects.contacts.read");
    expect(whatNow(doneDeal())).toMatchObject({ text: "All steps" });
    expect(whatNow(queuedDeal({ reason: "HELD" }))?.text).toBe("Held");
    expect(whatNow(queuedDeal())?.text).toBe("Waiting for a worker");
    expect(whatNow(queuedDeal({ status: "CANCELLED" }))).toBeNull();
  });
});

describe("An amount", () => {
  it.each([
    ["1200.00", "EUR", "€1,200"],
    ["0.5", "USD", "$0.50"],
    ["98765432109876543.21", "USD", "$98,765,432,109,876,543.21"],
    ["12", null, "12"],
    ["12", "XBTX", "12 XBTX"],
    [null, "EUR", null],
  ])("of %s %s is written %s", (amount, currency, text) => {
    expect(formatAmount(amount, currency)).toBe(text);
  });
});
