// What of a store outlives an incarnation of its actor: who is there, and where there is no journal also the state.

import type { Ref } from "../../runtime/kernel/protocol.ts";
import type { Changes } from "./group.ts";
import type { SubscriptionSettings, TopicSettings } from "./settings.ts";
import type { StoreState } from "./state.ts";

export class Roster {
  readonly topics: Map<string, { settings: TopicSettings; givesAnswers: boolean }> = new Map();
  readonly subscriptions: Map<
    string,
    {
      topic: string;
      name: string;
      settings: SubscriptionSettings;
      refs: readonly Ref<unknown>[];
      owner: Ref<unknown> | undefined;
      credit: Map<string, number>;
      changes: Changes;
    }
  > = new Map();
  state: StoreState | undefined = undefined;
}
