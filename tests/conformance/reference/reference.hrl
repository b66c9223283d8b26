%% What reference_recorder keeps.

%% A process of the scenario. Starter: the process in whose context it was started, or none.
-record(attempt, {pid, label, id, kind, starter = none, behaviour, is_up = false, reason = none}).

%% Kind: "init" or "term"; none for a message.
-record(event, {pid, kind = none, text}).

%% One step: events in their order, messages and ends in any.
-record(step, {events = [], messages = [], ended = []}).

%% A line of the file: its words that are no options, and its options.
-record(line, {text, words, options}).
