import type { ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = {
  // Tests and scenarios import the package by its public names: tsconfig's paths say which source they mean.
  resolve: { tsconfigPaths: true },
  test: { include: ["test/**/*.test.ts"] },
};

export default config;
