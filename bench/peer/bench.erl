%% The rows on Erlang/OTP: processes and messages, gen_server:call for asks. For each line on stdin a sample on stdout.
%%
%%   erlc -o /tmp bench/peer/bench.erl
%%   echo | erl +S 1 +P 2000000 -noshell -pa /tmp -run bench main ring 4000000 1

-module(bench).
-behaviour(gen_server).
-export([main/1, init/1, handle_call/3, handle_cast/2]).

-define(RING, 100).
-define(BIG, 1000).
-define(ACCOUNTS, 100).
-define(TELLERS, 10).
-define(BALANCE, 1000).
-define(SPRAYED, 100).

main([Shape, Size, Of]) ->
    play(io:get_line(""), sampler(list_to_atom(Shape), list_to_integer(Size), list_to_integer(Of))).

play(eof, _) -> halt();
play(_, Sample) ->
    try Sample() of
        Value -> io:format("~w~n", [Value])
    catch
        _:Why -> io:format("~0p~n", [Why])
    end,
    play(io:get_line(""), Sample).

sampler(idle, Size, _) -> fun() -> bytes(Size, fun() -> erlang:memory(total) end) end;
sampler('idle-rss', Size, _) -> fun() -> bytes(Size, fun resident/0) end;
sampler(Shape, Size, Of) when Shape =:= live; Shape =:= spray; Shape =:= fire; Shape =:= cancel ->
    Run = prepare(Shape, Size, Of),
    fun() -> rate(Size, Run) end;
sampler(Shape, Size, Of) ->
    fun() ->
        Run = prepare(Shape, Size, Of),
        Rate = rate(Size, Run),
        sweep(),
        Rate
    end.

%% As cell.ts does: the processor time, if that is less than the time on the wall.
rate(Size, Run) ->
    {Used, _} = erlang:statistics(runtime),
    Started = erlang:monotonic_time(microsecond),
    Expected = Run(),
    Took = erlang:monotonic_time(microsecond) - Started,
    {UsedNow, _} = erlang:statistics(runtime),
    ok = Expected,
    Cpu = (UsedNow - Used) * 1000,
    Size / min(Took, max(Cpu, 1000)) * 1.0e6.

%% Processes of a repetition are linked to nobody; each row names what it spawned.
started(Pid) -> put(spawned, [Pid | spawned()]), Pid.
spawned() -> case get(spawned) of undefined -> []; Pids -> Pids end.
sweep() -> [exit(Pid, kill) || Pid <- spawned()], erase(spawned), erlang:garbage_collect().

new(Loop) -> started(spawn(Loop)).
expect(_, Same, Same) -> ok;
expect(What, Found, Expected) -> {What, Found, Expected}.

%% --- a sample of each shape ---

prepare(ring, Hops, _) ->
    Main = self(),
    Nodes = [new(fun() -> receive {next, Next} -> node_loop(Next, Main, 0) end end) || _ <- lists:seq(1, ?RING)],
    [First | Others] = Nodes,
    lists:zipwith(fun(Node, Next) -> Node ! {next, Next} end, Nodes, Others ++ [First]),
    fun() ->
        First ! Hops,
        receive finished -> ok end,
        Counts = [begin Node ! {count, Main}, receive {count, Count} -> Count end end || Node <- Nodes],
        expect(hops, lists:sum(Counts), Hops + 1)
    end;
prepare('ping-pong', Rounds, _) -> ping_pong(Rounds);
prepare(live, Rounds, Others) ->
    [new(fun idler/0) || _ <- lists:seq(1, Others)],
    ping_pong(Rounds);
prepare(counting, Messages, _) ->
    fun() ->
        Counter = new(fun() -> counter(0) end),
        count_to(Counter, Messages),
        Counter ! {total, self()},
        receive {total, Total} -> expect(total, Total, Messages) end
    end;
prepare(create, Actors, _) ->
    Main = self(),
    fun() ->
        Collector = new(fun() -> collector(Main, Actors, 0, 0) end),
        create(Collector, 0, Actors),
        receive {sum, Sum} -> expect(sum, Sum, Actors * (Actors - 1) div 2) end
    end;
prepare(big, Messages, _) -> wander(Messages, ?BIG, ?BIG);
prepare(spray, Messages, Actors) ->
    Run = wander(Messages, Actors, ?SPRAYED),
    touch(persistent_term:get(all), Actors),
    Run;
prepare(ask, Asks, InFlight) ->
    Echo = server(echo),
    fun() -> expect(sum, ask_all(Echo, 0, Asks, InFlight, 0), Asks * (Asks + 1) div 2) end;
prepare('ask-inside', Asks, InFlight) ->
    Asker = server({asker, server(echo), InFlight}),
    fun() -> expect(sum, gen_server:call(Asker, Asks, 60000), Asks * (Asks + 1) div 2) end;
prepare(bank, Transfers, _) ->
    Accounts = list_to_tuple([server({account, ?BALANCE}) || _ <- lists:seq(1, ?ACCOUNTS)]),
    Main = self(),
    Each = Transfers div ?TELLERS,
    fun() ->
        [new(fun() -> transfer(Accounts, Each), Main ! moved end) || _ <- lists:seq(1, ?TELLERS)],
        [receive moved -> ok end || _ <- lists:seq(1, ?TELLERS)],
        Balances = [gen_server:call(Account, 0) || Account <- tuple_to_list(Accounts)],
        expect(money, lists:sum(Balances), ?ACCOUNTS * ?BALANCE)
    end;
prepare(fire, Size, _) -> timers(Size, 1, false);
prepare(cancel, Size, _) -> timers(Size, 60000, true).

%% --- the actors ---

node_loop(Next, Main, Count) ->
    receive
        0 -> Main ! finished, node_loop(Next, Main, Count + 1);
        {count, From} -> From ! {count, Count};
        Left -> Next ! Left - 1, node_loop(Next, Main, Count + 1)
    end.

ping_pong(Rounds) ->
    Main = self(),
    Ponger = new(fun ponger/0),
    Pinger = new(fun() -> pinger(Ponger, Main, 0) end),
    fun() ->
        Ponger ! {Pinger, Rounds},
        receive {pongs, Pongs} -> expect(pongs, Pongs, Rounds + 1) end
    end.

ponger() -> receive {From, Left} -> From ! Left, ponger() end.

pinger(Ponger, Main, Pongs) ->
    receive
        0 -> Main ! {pongs, Pongs + 1}, pinger(Ponger, Main, 0);
        Left -> Ponger ! {self(), Left - 1}, pinger(Ponger, Main, Pongs + 1)
    end.

idler() -> receive stop -> ok end.

counter(Sum) ->
    receive
        {total, From} -> From ! {total, Sum};
        N -> counter(Sum + N)
    end.

count_to(_, 0) -> ok;
count_to(Counter, Left) -> Counter ! 1, count_to(Counter, Left - 1).

collector(Main, 0, _, Sum) -> Main ! {sum, Sum};
collector(Main, Left, Count, Sum) -> receive N -> collector(Main, Left - 1, Count + 1, Sum + N) end.

create(_, Actors, Actors) -> ok;
create(Collector, I, Actors) ->
    spawn(fun() -> receive N -> Collector ! N end end) ! I,
    create(Collector, I + 1, Actors).

%% Messages that go from process to process; each receiver is drawn.
wander(Messages, Actors, AtOnce) ->
    Main = self(),
    Pids = [new(fun() -> receive {all, All} -> wanderer(All, Main, 0, Seed * 7 + 1) end end) || Seed <- lists:seq(1, Actors)],
    All = list_to_tuple(Pids),
    %% A tuple in a message is copied; a persistent term is not.
    persistent_term:put(all, All),
    [Pid ! {all, Actors} || Pid <- Pids],
    First = [element(I rem Actors + 1, All) || I <- lists:seq(0, AtOnce - 1)],
    fun() ->
        [Pid ! Messages div AtOnce - 1 || Pid <- First],
        [receive finished -> ok end || _ <- First],
        ok
    end.

%% One message to each, as in the other peers.
touch(_, 0) -> ok;
touch(All, Left) ->
    element(Left, All) ! 0,
    receive finished -> ok end,
    touch(All, Left - 1).

wanderer(Actors, Main, Count, Seed) ->
    receive
        0 -> Main ! finished, wanderer(Actors, Main, Count + 1, Seed);
        Left ->
            %% Numerical Recipes' generator: as cheap as the one of the other peers.
            Drawn = (Seed * 1664525 + 1013904223) band 16#ffffffff,
            element(((Drawn bsr 8) rem Actors) + 1, persistent_term:get(all)) ! Left - 1,
            wanderer(Actors, Main, Count + 1, Drawn)
    end.

timers(Size, Ms, ThenCancel) ->
    Main = self(),
    Pids = [new(fun() -> sleeper(Main, Ms, undefined) end) || _ <- lists:seq(1, Size)],
    fun() ->
        [Pid ! arm || Pid <- Pids],
        ThenCancel andalso [Pid ! cancel || Pid <- Pids],
        Expected = case ThenCancel of true -> cancelled; false -> fired end,
        [receive Expected -> ok end || _ <- Pids],
        ok
    end.

sleeper(Main, Ms, Timer) ->
    receive
        arm -> sleeper(Main, Ms, erlang:send_after(Ms, self(), fired));
        cancel -> erlang:cancel_timer(Timer), Main ! cancelled, sleeper(Main, Ms, undefined);
        fired -> Main ! fired, sleeper(Main, Ms, undefined)
    end.

ask_all(_, Asks, Asks, _, Sum) -> Sum;
ask_all(Echo, From, Asks, 1, Sum) -> ask_all(Echo, From + 1, Asks, 1, Sum + gen_server:call(Echo, From));
ask_all(Echo, From, Asks, InFlight, Sum) ->
    Until = min(From + InFlight, Asks),
    Requests = [gen_server:send_request(Echo, N) || N <- lists:seq(From, Until - 1)],
    ask_all(Echo, Until, Asks, InFlight, lists:foldl(fun(Request, So) ->
        {reply, Answer} = gen_server:receive_response(Request, 5000),
        So + Answer
    end, Sum, Requests)).

transfer(_, 0) -> ok;
transfer(Accounts, Left) ->
    gen_server:call(element(rand:uniform(?ACCOUNTS), Accounts), -1),
    gen_server:call(element(rand:uniform(?ACCOUNTS), Accounts), 1),
    transfer(Accounts, Left - 1).

server(State) ->
    {ok, Pid} = gen_server:start(?MODULE, State, []),
    started(Pid).

init(State) -> {ok, State}.
handle_call(N, _, echo) -> {reply, N + 1, echo};
handle_call(Change, _, {account, Balance}) -> {reply, Balance + Change, {account, Balance + Change}};
handle_call(Asks, _, {asker, Echo, InFlight} = State) -> {reply, ask_all(Echo, 0, Asks, InFlight, 0), State}.
handle_cast(_, State) -> {noreply, State}.

%% --- memory ---

bytes(Size, Measure) ->
    erlang:garbage_collect(),
    Before = Measure(),
    Pids = [spawn(fun idler/0) || _ <- lists:seq(1, Size)],
    timer:sleep(200),
    After = Measure(),
    Size = length(Pids),
    %% The list of their pids: two words each.
    (After - Before - 16 * Size) / Size.

resident() ->
    {ok, Status} = file:read_file("/proc/self/status"),
    {match, [Kb]} = re:run(Status, "VmRSS:\\s+(\\d+)", [{capture, all_but_first, list}]),
    list_to_integer(Kb) * 1024.
