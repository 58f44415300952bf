// The public names of `antiphon/rxjs`, nothing else.

export { type Watchable, type Watcher, watchable, watchEvents } from "../watchable.ts";
export { type Fed, type FeedOptions, feed } from "./feed.ts";
export {
  asking,
  eventsOf,
  type ObservableAsk,
  observeIn,
  stateOf,
  type TurnObserver,
  topicOf,
} from "./observe.ts";
export { takeOver, worldScheduler } from "./scheduler.ts";
export { type Observer, type Stateful, stateful } from "./stateful.ts";
export { streaming } from "./streaming.ts";
