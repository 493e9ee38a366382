/** For the tests that are written in TypeScript; what each is stands in agent-package.mjs. */
export interface AgentPackage {
  readonly name: string;
  readonly version: string;
  readonly build: string;
  readonly bytes: Buffer;
  readonly sha256: string;
}
export function agentPackage(about: { readonly script: Buffer | string; readonly version: string; readonly timeS: number }): AgentPackage;
export function writeAgentPackage(): void;
