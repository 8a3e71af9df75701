import { cleanup } from "@testing-library/react";
import { afterEach, beforeEach, vi } from "vitest";

beforeEach(() => {
  history.replaceState(null, "", "/");
  localStorage.clear();
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});
