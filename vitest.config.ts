import type { ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = {
  // Tests and scenarios import the package by its public names: tsconfig's paths say which source they mean.
  resolve: { tsconfigPaths: true },
  // A slow machine is no failure: a test that hangs is.
  test: { include: ["test/**/*.test.ts"], testTimeout: 30_000, hookTimeout: 60_000 },
};

export default config;
