/* One row for each function of tests/golden/symbols.txt: bad_input.c includes it, and fails on a function without one.
 *
 *   ROW(result, name, parameters, outcomes, wrong kinds, call)
 *
 * result      how the outcome is told: E an error code, B a bool, R a pointer, G a term, N a regrow_next, V and C by
 *             nothing that can say no.
 * parameters  a letter for each:
 *               p pid  r ref  l table  w caller  n number  u user pointer  c context  q request, borrowed  Q moved
 *               t term, moved  b borrowed  B may be NULL  T in-out  a array of terms  v array of pids  d bytes  s string
 *               f function, needed  F may be NULL  x address  y child spec  k process spec  i options, may be NULL
 *               L table spec  W server spec
 *               o plain out, needed  O may be NULL  e term out, needed  E may be NULL  h request out
 *               m children of an init that is not there
 *               j task  J array of tasks  Y task spec  M stream spec  g subscription, may be NULL
 *               z sized in-out struct, needed  Z may be NULL
 * outcomes    of a call whose arguments are good, by who makes it and where:
 *               1 an entered thread    2 a thread without identity    3 a callback    4 a callback that may not wait
 *               5 a ghost (a killed callback)   6 the child of a fork
 *               7 an entered thread, but the first pid is stale    8 a callback, but the first pid is its own
 *             o OK  - refused (where there is no code)  . not tried
 *             g ARGUMENT  n NO_PROCESS  t TIMEOUT  e EXISTS  m NOT_FOUND  k KILLED  a NOT_ALIVE  s SELF_CALL
 *             w WOULD_BLOCK  d WOULD_DEADLOCK  i WRONG_KIND  f FORKED  x CONTEXT
 *             c ACCESS  l FILE
 * wrong kinds for which the first pid gives WRONG_KIND: S server, V supervisor, R registry, A agent, H host,
 *             P plain process, T entered thread, K task supervisor, U pubsub
 */

/* runtime */
ROW(C, regrow_abi_version, "", "oooooo..", "", ())
ROW(R, regrow_version, "", "oooooo..", "", ())
ROW(E, regrow_init, "io", "ooowkf..", "", (POINTER(0), POINTER(1)))
ROW(E, regrow_shutdown, "pnE", "..dddfaa", "", (PID(0), NUMBER(1), POINTER(2)))
ROW(E, regrow_enter, "pO", "eoeeefae", "", (PID(0), POINTER(1)))
ROW(E, regrow_leave, "", "oxxxxf..", "", ())
ROW(E, regrow_thread_fd, "o", "oxxxxf..", "", (POINTER(0)))
ROW(E, regrow_exception_globals, "f", "ooooof..", "", (FUNCTION(regrow_globals_callback, 0)))
ROW(E, regrow_settle, "pnZ", "oodddfad", "", (PID(0), NUMBER(1), POINTER(2)))
ROW(E, regrow_settle_async, "ph", "ooookfao", "", (PID(0), POINTER(1)))
ROW(E, regrow_busy, "po", "ooookfao", "", (PID(0), POINTER(1)))
ROW(E, regrow_done, "pr", "mmmmmfam", "", (PID(0), REF(1)))
ROW(E, regrow_without_waiting, "fu", "ooookf..", "", 
    (FUNCTION(regrow_run_callback, 0), POINTER(1)))
ROW(E, regrow_advance, "pn", "ggdddfad", "", (PID(0), NUMBER(1)))
ROW(E, regrow_now, "po", "ooooofao", "", (PID(0), POINTER(1)))
ROW(E, regrow_stats_read, "pz", "ooooofao", "", (PID(0), POINTER(1)))
ROW(R, regrow_error_name, "n", "oooooo..", "", ((int32_t)NUMBER(0)))
ROW(C, regrow_last_error, "On", "oooooo..", "", (POINTER(0), NUMBER(1)))
ROW(E, regrow_last_reason, "e", ".....f..", "", (POINTER(0)))

/* terms */
ROW(G, regrow_nil, "", "oooooo..", "", ())
ROW(G, regrow_int, "n", "ooooo-..", "", ((int64_t)NUMBER(0)))
ROW(G, regrow_float, "n", "ooooo-..", "", ((double)NUMBER(0)))
ROW(G, regrow_bool, "n", "ooooo-..", "", (NUMBER(0) != 0))
ROW(G, regrow_atom, "s", "ooooo-..", "", (POINTER(0)))
ROW(G, regrow_text, "s", "ooooo-..", "", (POINTER(0)))
ROW(G, regrow_bytes, "dn", "ooooo-..", "", (POINTER(0), NUMBER(1)))
ROW(G, regrow_tuple, "an", "ooooo-..", "", (POINTER(0), NUMBER(1)))
ROW(G, regrow_list, "an", "ooooo-..", "", (POINTER(0), NUMBER(1)))
ROW(G, regrow_cons, "tt", "ooooo-..", "", (TERM(0), TERM(1)))
ROW(G, regrow_map, "aan", "ooooo-..", "", (POINTER(0), POINTER(1), NUMBER(2)))
ROW(G, regrow_from_pid, "p", "ooooo-oo", "", (PID(0)))
ROW(G, regrow_from_ref, "r", "ooooo-..", "", (REF(0)))
ROW(G, regrow_resource, "uF", "ooooo-..", "", (POINTER(0), FUNCTION(regrow_drop_callback, 1)))
ROW(B, regrow_is_valid, "b", "oooooo..", "", (POINTER(0)))
ROW(B, regrow_is_nil, "b", "oooooo..", "", (POINTER(0)))
ROW(B, regrow_is_atom, "bs", "oooooo..", "", (POINTER(0), POINTER(1)))
ROW(B, regrow_is_int, "b", "oooooo..", "", (POINTER(0)))
ROW(B, regrow_is_float, "b", "oooooo..", "", (POINTER(0)))
ROW(B, regrow_is_bytes, "b", "oooooo..", "", (POINTER(0)))
ROW(B, regrow_is_tuple, "b", "oooooo..", "", (POINTER(0)))
ROW(B, regrow_is_list, "b", "oooooo..", "", (POINTER(0)))
ROW(B, regrow_is_map, "b", "oooooo..", "", (POINTER(0)))
ROW(B, regrow_is_pid, "b", "oooooo..", "", (POINTER(0)))
ROW(B, regrow_is_ref, "b", "oooooo..", "", (POINTER(0)))
ROW(B, regrow_is_resource, "b", "oooooo..", "", (POINTER(0)))
ROW(B, regrow_as_int, "bo", "oooooo..", "", (POINTER(0), POINTER(1)))
ROW(B, regrow_as_float, "bo", "oooooo..", "", (POINTER(0), POINTER(1)))
ROW(B, regrow_as_bool, "bo", "oooooo..", "", (POINTER(0), POINTER(1)))
ROW(B, regrow_as_atom, "bo", "oooooo..", "", (POINTER(0), POINTER(1)))
ROW(B, regrow_as_text, "bo", "oooooo..", "", (POINTER(0), POINTER(1)))
ROW(B, regrow_as_bytes, "bOO", "oooooo..", "", (POINTER(0), POINTER(1), POINTER(2)))
ROW(B, regrow_as_pid, "bo", "oooooo..", "", (POINTER(0), POINTER(1)))
ROW(B, regrow_as_ref, "bo", "oooooo..", "", (POINTER(0), POINTER(1)))
ROW(B, regrow_as_resource, "bo", "oooooo..", "", (POINTER(0), POINTER(1)))
ROW(B, regrow_tuple_size, "bo", "oooooo..", "", (POINTER(0), POINTER(1)))
ROW(R, regrow_tuple_get, "bn", "oooooo..", "", (POINTER(0), NUMBER(1)))
ROW(R, regrow_list_head, "b", "oooooo..", "", (POINTER(0)))
ROW(R, regrow_list_tail, "b", "oooooo..", "", (POINTER(0)))
ROW(B, regrow_list_length, "bo", "oooooo..", "", (POINTER(0), POINTER(1)))
ROW(B, regrow_map_size, "bo", "oooooo..", "", (POINTER(0), POINTER(1)))
ROW(R, regrow_map_get, "bb", "oooooo..", "", (POINTER(0), POINTER(1)))
ROW(B, regrow_map_at, "bnOO", "oooooo..", "", (POINTER(0), NUMBER(1), POINTER(2), POINTER(3)))
ROW(C, regrow_term_compare, "bb", "oooooo..", "", (POINTER(0), POINTER(1)))
ROW(B, regrow_term_equal, "bb", "oooooo..", "", (POINTER(0), POINTER(1)))
ROW(G, regrow_term_clone, "b", "ooooo-..", "", (POINTER(0)))
ROW(V, regrow_term_free, "T", "oooooo..", "", (POINTER(0)))
ROW(C, regrow_term_print, "bOn", "oooooo..", "", (POINTER(0), POINTER(1), NUMBER(2)))
ROW(E, regrow_term_encode, "be", "ooooof..", "", (POINTER(0), POINTER(1)))
ROW(E, regrow_term_decode, "dne", "ooooof..", "", (POINTER(0), NUMBER(1), POINTER(2)))

/* processes */
ROW(E, regrow_self, "o", "oxooof..", "", (POINTER(0)))
ROW(E, regrow_root, "po", "ooooofao", "", (PID(0), POINTER(1)))
ROW(B, regrow_is_alive, "p", "ooooo--o", "", (PID(0)))
ROW(E, regrow_send, "pt", "ooookfoo", "", (PID(0), TERM(1)))
ROW(E, regrow_broadcast, "bvn", "ooookf..", "", (POINTER(0), POINTER(1), NUMBER(2)))
ROW(E, regrow_receive, "ne", "oxowkf..", "", (NUMBER(0), POINTER(1)))
ROW(E, regrow_receive_match, "fune", "oxowkf..", "",
    (FUNCTION(regrow_match_callback, 0), POINTER(1), NUMBER(2), POINTER(3)))
ROW(E, regrow_flush, "O", "oxookf..", "", (POINTER(0)))
ROW(E, regrow_sleep, "n", "ooowkf..", "", (NUMBER(0)))
ROW(E, regrow_exit, "pt", "ooookfoo", "", (PID(0), TERM(1)))
ROW(E, regrow_link, "p", "oxookfno", "", (PID(0)))
ROW(E, regrow_unlink, "p", "oxookfoo", "", (PID(0)))
ROW(E, regrow_monitor, "po", "oxookfoo", "", (PID(0), POINTER(1)))
ROW(E, regrow_alias, "o", "oxookf..", "", (POINTER(0)))
ROW(E, regrow_unalias, "rO", "oxookf..", "", (REF(0), POINTER(1)))
ROW(E, regrow_send_alias, "prt", "ooookfoo", "", (PID(0), REF(1), TERM(2)))
ROW(E, regrow_alias_opt, "no", "oxookf..", "", (NUMBER(0), POINTER(1)))
ROW(E, regrow_send_alias_opt, "prtn", "ooookfoo", "", (PID(0), REF(1), TERM(2), NUMBER(3)))
ROW(E, regrow_exit_alias, "prtn", "ooookfoo", "", (PID(0), REF(1), TERM(2), NUMBER(3)))
ROW(E, regrow_link_opt, "pn", "oxookfno", "", (PID(0), NUMBER(1)))
ROW(E, regrow_monitor_opt, "pno", "oxookfoo", "", (PID(0), NUMBER(1), POINTER(2)))
ROW(E, regrow_demonitor, "rnO", "oxookf..", "", (REF(0), NUMBER(1), POINTER(2)))
ROW(E, regrow_trap_exit, "nO", "oxookf..", "", (NUMBER(0) != 0, POINTER(1)))
ROW(E, regrow_register, "ps", "ooookfno", "", (PID(0), POINTER(1)))
ROW(E, regrow_unregister, "ps", "ooookfao", "", (PID(0), POINTER(1)))
ROW(E, regrow_whereis, "pso", "ooooofao", "", (PID(0), POINTER(1), POINTER(2)))
ROW(E, regrow_register_term, "pt", "ooookfno", "", (PID(0), TERM(1)))
ROW(E, regrow_unregister_term, "pb", "ooookfao", "", (PID(0), POINTER(1)))
ROW(E, regrow_whereis_term, "pbo", "ooooofao", "", (PID(0), POINTER(1), POINTER(2)))
ROW(E, regrow_send_after, "pntO", "ooookfoo", "", (PID(0), NUMBER(1), TERM(2), POINTER(3)))
ROW(E, regrow_start_timer, "pntO", "ooookfoo", "", (PID(0), NUMBER(1), TERM(2), POINTER(3)))
ROW(E, regrow_send_interval, "pntO", "ooookfoo", "", (PID(0), NUMBER(1), TERM(2), POINTER(3)))
ROW(E, regrow_cancel_timer, "prnO", "ooookfao", "", (PID(0), REF(1), NUMBER(2), POINTER(3)))
ROW(E, regrow_read_timer, "pro", "ooooofao", "", (PID(0), REF(1), POINTER(2)))
ROW(E, regrow_set_label, "b", "oxookf..", "", (POINTER(0)))
ROW(E, regrow_info, "pe", "ooooofno", "", (PID(0), POINTER(1)))
ROW(E, regrow_cast, "pt", "ooookfoo", "", (PID(0), TERM(1)))

/* starting, plain processes */
ROW(E, regrow_start, "pyO", "ooowkfao", "", (PID(0), POINTER(1), POINTER(2)))
ROW(E, regrow_start_link, "yO", "oxowkf..", "", (POINTER(0), POINTER(1)))
ROW(E, regrow_start_for, "pyO", "ooowkfni", "SVRAPTKU", (PID(0), POINTER(1), POINTER(2)))
ROW(E, regrow_start_monitor, "yOO", "oxowkf..", "", (POINTER(0), POINTER(1), POINTER(2)))
ROW(E, regrow_spawn, "pkO", "ooookfao", "", (PID(0), POINTER(1), POINTER(2)))
ROW(E, regrow_spawn_link, "kO", "oxookf..", "", (POINTER(0), POINTER(1)))
ROW(E, regrow_spawn_monitor, "kOO", "oxookf..", "", (POINTER(0), POINTER(1), POINTER(2)))

/* servers */
ROW(E, regrow_call, "ptnE", "ooowkfns", "VRAPTKU", (PID(0), TERM(1), NUMBER(2), POINTER(3)))
ROW(E, regrow_call_async, "ptnh", "ooookfns", "RPTU", (PID(0), TERM(1), NUMBER(2), POINTER(3)))
ROW(E, regrow_stop, "ptn", "ooowkfns", "", (PID(0), TERM(1), NUMBER(2)))
ROW(E, regrow_stop_async, "ptnh", "ooookfns", "", (PID(0), TERM(1), NUMBER(2), POINTER(3)))
ROW(N, regrow_reply, "ct", "..ooo-..", "", (POINTER(0), TERM(1)))
ROW(N, regrow_reply_stop, "ctt", "..ooo-..", "", (POINTER(0), TERM(1), TERM(2)))
ROW(N, regrow_stop_self, "ct", "..ooo-..", "", (POINTER(0), TERM(1)))
ROW(N, regrow_continue, "cnt", "..ooo-..", "", (POINTER(0), (regrow_next)NUMBER(1), TERM(2)))
ROW(N, regrow_idle_timeout, "cnn", "..ooo-..", "", (POINTER(0), (regrow_next)NUMBER(1), NUMBER(2)))
ROW(E, regrow_defer, "co", "..xxkf..", "", (POINTER(0), POINTER(1)))
ROW(E, regrow_answer, "wt", "mmmmkf..", "", (CALLER(0), TERM(1)))
ROW(E, regrow_behaviour_register, "sW", "eeeekf..", "", (POINTER(0), POINTER(1)))
ROW(E, regrow_get_state, "pne", "ooowkfns", "HPT", (PID(0), NUMBER(1), POINTER(2)))
ROW(E, regrow_get_status, "pne", "ooowkfns", "PT", (PID(0), NUMBER(1), POINTER(2)))
ROW(E, regrow_trace, "pnn", "ooowkfns", "HPT", (PID(0), NUMBER(1) != 0, NUMBER(2)))
ROW(E, regrow_replace_state, "ptn", "ooowkfns", "VRHPTKU", (PID(0), TERM(1), NUMBER(2)))
ROW(E, regrow_suspend, "pn", "ooowkfns", "HPT", (PID(0), NUMBER(1)))
ROW(E, regrow_resume, "pn", "ooowkfns", "HPT", (PID(0), NUMBER(1)))
ROW(E, regrow_host_hold, "pn", "ggggkfni", "SVRAPTKU", (PID(0), NUMBER(1) != 0))
ROW(E, regrow_host_exit, "pt", "ooookfni", "SVRAPTKU", (PID(0), TERM(1)))

/* addresses */
ROW(E, regrow_whereis_at, "xo", "ooooof..", "", (POINTER(0), POINTER(1)))
ROW(E, regrow_call_at, "xtnE", "ooowkf..", "", (POINTER(0), TERM(1), NUMBER(2), POINTER(3)))
ROW(E, regrow_call_async_at, "xtnh", "ooookf..", "", (POINTER(0), TERM(1), NUMBER(2), POINTER(3)))
ROW(E, regrow_cast_at, "xt", "ooookf..", "", (POINTER(0), TERM(1)))
ROW(E, regrow_send_at, "xt", "ooookf..", "", (POINTER(0), TERM(1)))
ROW(E, regrow_monitor_at, "xo", "oxookf..", "", (POINTER(0), POINTER(1)))
ROW(E, regrow_send_after_at, "xntO", "ooookf..", "", (POINTER(0), NUMBER(1), TERM(2), POINTER(3)))
ROW(E, regrow_stop_at, "xtn", "ooowkf..", "", (POINTER(0), TERM(1), NUMBER(2)))

/* requests */
ROW(E, regrow_request_wait, "qnE", "tttwkf..", "", (POINTER(0), NUMBER(1), POINTER(2)))
ROW(E, regrow_on_reply, "QfuF", "ooooof..", "",
    (POINTER(0), FUNCTION(regrow_reply_callback, 1), POINTER(2), FUNCTION(regrow_drop_callback, 3)))
ROW(V, regrow_request_free, "Q", "oooooo..", "", (POINTER(0)))

/* supervisors */
ROW(E, regrow_children_add, "my", "ggggkf..", "", (POINTER(0), POINTER(1)))
ROW(E, regrow_supervisor_start_child, "pyO", "ooowkfni", "SRAHPTKU", (PID(0), POINTER(1), POINTER(2)))
ROW(E, regrow_supervisor_start_child_async, "pyh", "ooookfni", "SRAHPTKU", (PID(0), POINTER(1), POINTER(2)))
ROW(E, regrow_supervisor_start_instance, "pbO", "iiiwkfni", "SRAHPTKU", (PID(0), POINTER(1), POINTER(2)))
ROW(E, regrow_supervisor_terminate_child, "pb", "ooowkfni", "SRAHPTU", (PID(0), POINTER(1)))
ROW(E, regrow_supervisor_restart_child, "pbO", "ooowkfni", "SRAHPTKU", (PID(0), POINTER(1), POINTER(2)))
ROW(E, regrow_supervisor_delete_child, "pb", "ooowkfni", "SRAHPTKU", (PID(0), POINTER(1)))
ROW(E, regrow_supervisor_which_children, "pe", "ooowkfni", "SRAHPTU", (PID(0), POINTER(1)))
ROW(E, regrow_supervisor_which_children_async, "ph", "ooookfni", "SRAHPTU", (PID(0), POINTER(1)))
ROW(E, regrow_supervisor_count_children, "pz", "ooowkfni", "SRAHPTU", (PID(0), POINTER(1)))
ROW(E, regrow_supervisor_get_childspec, "pbe", "ooowkfni", "SRAHPTKU", (PID(0), POINTER(1), POINTER(2)))
ROW(E, regrow_supervisor_lookup, "pbo", "ooowkfni", "SRAHPTKU", (PID(0), POINTER(1), POINTER(2)))
ROW(E, regrow_supervisor_history, "pe", "ooowkfni", "SRAHPTU", (PID(0), POINTER(1)))
ROW(E, regrow_supervisor_subscribe, "po", "oxowkfni", "SRAHPTU", (PID(0), POINTER(1)))
ROW(E, regrow_supervisor_unsubscribe, "pr", "mmmwkfni", "SRAHPTU", (PID(0), REF(1)))
ROW(E, regrow_partition_whereis, "pbo", "iiiiifni", "SVRAHPTKU", (PID(0), POINTER(1), POINTER(2)))
ROW(E, regrow_tree, "pnne", "ooowkfni", "SRAHPTU", (PID(0), NUMBER(1), NUMBER(2), POINTER(3)))
ROW(E, regrow_tree_async, "pnnh", "ooookfni", "SRAHPTU", (PID(0), NUMBER(1), NUMBER(2), POINTER(3)))
ROW(E, regrow_partition_count, "po", "iiiiifni", "SVRAHPTKU", (PID(0), POINTER(1)))

/* registries */
ROW(E, regrow_registry_register, "ptpt", "ooookfni", "SVAHPTKU", (PID(0), TERM(1), PID(2), TERM(3)))
ROW(E, regrow_registry_unregister, "pbp", "ooookfni", "SVAHPTKU", (PID(0), POINTER(1), PID(2)))
ROW(E, regrow_registry_unregister_match, "pbpbB", "ooookfni", "SVAHPTKU",
    (PID(0), POINTER(1), PID(2), POINTER(3), POINTER(4)))
ROW(E, regrow_registry_match, "pbbBe", "ooooofni", "SVAHPTKU",
    (PID(0), POINTER(1), POINTER(2), POINTER(3), POINTER(4)))
ROW(E, regrow_registry_count_match, "pbbBo", "ooooofni", "SVAHPTKU",
    (PID(0), POINTER(1), POINTER(2), POINTER(3), POINTER(4)))
ROW(E, regrow_registry_select, "pbe", "ooooofni", "SVAHPTKU", (PID(0), POINTER(1), POINTER(2)))
ROW(E, regrow_registry_count_select, "pbo", "ooooofni", "SVAHPTKU", (PID(0), POINTER(1), POINTER(2)))
ROW(E, regrow_registry_update, "pbfuE", "oxookfni", "SVAHPTKU",
    (PID(0), POINTER(1), FUNCTION(regrow_agent_callback, 2), POINTER(3), POINTER(4)))
ROW(E, regrow_registry_whereis, "pbo", "oooomfni", "SVAHPTKU", (PID(0), POINTER(1), POINTER(2)))
ROW(E, regrow_registry_lookup, "pbe", "ooooofni", "SVAHPTKU", (PID(0), POINTER(1), POINTER(2)))
ROW(E, regrow_registry_keys, "ppe", "ooooofni", "SVAHPTKU", (PID(0), PID(1), POINTER(2)))
ROW(E, regrow_registry_values, "pbpe", "ooooofni", "SVAHPTKU", (PID(0), POINTER(1), PID(2), POINTER(3)))
ROW(E, regrow_registry_count, "po", "ooooofni", "SVAHPTKU", (PID(0), POINTER(1)))
ROW(E, regrow_registry_dispatch, "pbfu", "ooookfni", "SVAHPTKU",
    (PID(0), POINTER(1), FUNCTION(regrow_each_callback, 2), POINTER(3)))
ROW(E, regrow_registry_dispatch_parallel, "pbfu", "ooookfni", "SVAHPTKU",
    (PID(0), POINTER(1), FUNCTION(regrow_each_callback, 2), POINTER(3)))
ROW(E, regrow_registry_meta, "pbe", "mmmmmfni", "SVAHPTKU", (PID(0), POINTER(1), POINTER(2)))
ROW(E, regrow_registry_put_meta, "ptt", "ooookfni", "SVAHPTKU", (PID(0), TERM(1), TERM(2)))
ROW(E, regrow_registry_delete_meta, "pb", "ooookfni", "SVAHPTKU", (PID(0), POINTER(1)))
ROW(E, regrow_registry_lock, "pbfun", "ooowkfni", "SVAHPTKU",
    (PID(0), POINTER(1), FUNCTION(regrow_run_callback, 2), POINTER(3), NUMBER(4)))

/* agents */
ROW(E, regrow_agent_get, "pFunE", "ooowkfni", "SVRHPTKU",
    (PID(0), FUNCTION(regrow_agent_callback, 1), POINTER(2), NUMBER(3), POINTER(4)))
ROW(E, regrow_agent_update, "pfun", "ooowkfni", "SVRHPTKU",
    (PID(0), FUNCTION(regrow_agent_callback, 1), POINTER(2), NUMBER(3)))
ROW(E, regrow_agent_get_and_update, "pfunE", "ooowkfni", "SVRHPTKU",
    (PID(0), FUNCTION(regrow_agent_callback, 1), POINTER(2), NUMBER(3), POINTER(4)))
ROW(E, regrow_agent_update_async, "pfuFnh", "ooookfni", "SVRHPTKU",
    (PID(0), FUNCTION(regrow_agent_callback, 1), POINTER(2), FUNCTION(regrow_drop_callback, 3), NUMBER(4), POINTER(5)))
ROW(E, regrow_agent_cast, "pfuF", "ooookfoo", "",
    (PID(0), FUNCTION(regrow_agent_callback, 1), POINTER(2), FUNCTION(regrow_drop_callback, 3)))

/* groups and topics */
ROW(E, regrow_group_join, "pbp", "ooookfni", "SVRAHPTK", (PID(0), POINTER(1), PID(2)))
ROW(E, regrow_group_leave, "pbp", "ooookfni", "SVRAHPTK", (PID(0), POINTER(1), PID(2)))
ROW(E, regrow_group_members, "pbe", "ooooofni", "SVRAHPTK", (PID(0), POINTER(1), POINTER(2)))
ROW(E, regrow_group_which, "pe", "ooooofni", "SVRAHPTK", (PID(0), POINTER(1)))
ROW(E, regrow_group_send, "pbtO", "ooookfni", "SVRAHPTK", (PID(0), POINTER(1), TERM(2), POINTER(3)))
ROW(E, regrow_group_monitor, "pboE", "oxookfni", "SVRAHPTK", (PID(0), POINTER(1), POINTER(2), POINTER(3)))
ROW(E, regrow_group_demonitor, "pr", "mxmmkfni", "SVRAHPTK", (PID(0), REF(1)))
ROW(E, regrow_pubsub_subscribe, "pspg", "ooookfni", "SVRAHPTK", (PID(0), POINTER(1), PID(2), POINTER(3)))
ROW(E, regrow_pubsub_subscribe_once, "pspg", "ooookfni", "SVRAHPTK", (PID(0), POINTER(1), PID(2), POINTER(3)))
ROW(E, regrow_pubsub_unsubscribe, "psp", "ooookfni", "SVRAHPTK", (PID(0), POINTER(1), PID(2)))
ROW(E, regrow_pubsub_broadcast, "pst", "ooookfni", "SVRAHPTK", (PID(0), POINTER(1), TERM(2)))
ROW(E, regrow_pubsub_broadcast_from, "ppst", "ooookfni", "SVRAHPTK", (PID(0), PID(1), POINTER(2), TERM(3)))
ROW(E, regrow_pubsub_subscriber_count, "pso", "ooooofni", "SVRAHPTK", (PID(0), POINTER(1), POINTER(2)))

/* tasks: nobody owns the one that is given */
ROW(E, regrow_task_async, "Yo", "oxookf..", "", (POINTER(0), POINTER(1)))
ROW(E, regrow_task_await, "jnE", "mxmmkf..", "", (TASK(0), NUMBER(1), POINTER(2)))
ROW(E, regrow_task_await_many, "JnnE", "mxmmkf..", "", (POINTER(0), NUMBER(1), NUMBER(2), POINTER(3)))
ROW(E, regrow_task_yield, "jnE", "mxmmkf..", "", (TASK(0), NUMBER(1), POINTER(2)))
ROW(E, regrow_task_yield_many, "Jnne", "mxmmkf..", "", (POINTER(0), NUMBER(1), NUMBER(2), POINTER(3)))
ROW(E, regrow_task_shutdown, "jnE", "mxmmkf..", "", (TASK(0), NUMBER(1), POINTER(2)))
ROW(E, regrow_task_ignore, "jE", "mxmmkf..", "", (TASK(0), POINTER(1)))
ROW(E, regrow_task_stream, "MO", "oxookf..", "", (POINTER(0), POINTER(1)))
ROW(E, regrow_task_supervisor_start_child, "pYO", "ooowkfni", "SVRAHPTU", (PID(0), POINTER(1), POINTER(2)))
ROW(E, regrow_task_supervisor_async, "pYo", "oxowkfni", "SVRAHPTU", (PID(0), POINTER(1), POINTER(2)))
ROW(E, regrow_task_supervisor_async_nolink, "pYo", "oxowkfni", "SVRAHPTU", (PID(0), POINTER(1), POINTER(2)))
ROW(E, regrow_task_supervisor_run_async, "pYnh", "ooookfni", "SVRAHPTU",
    (PID(0), POINTER(1), NUMBER(2), POINTER(3)))
ROW(E, regrow_task_supervisor_children, "pe", "ooowkfni", "SVRAHPTU", (PID(0), POINTER(1)))
ROW(E, regrow_task_supervisor_terminate_child, "pp", "mmmwkfni", "SVRAHPTU", (PID(0), PID(1)))

/* tables */
ROW(E, regrow_table_new, "Lo", "oxookf..", "", (POINTER(0), POINTER(1)))
ROW(E, regrow_table_whereis, "pso", "ooooofao", "", (PID(0), POINTER(1), POINTER(2)))
ROW(G, regrow_from_table, "l", "ooooo-..", "", (TABLE(0)))
ROW(B, regrow_as_table, "bo", "oooooo..", "", (POINTER(0), POINTER(1)))
ROW(E, regrow_table_delete, "l", "ooookf..", "", (TABLE(0)))
ROW(E, regrow_table_rename, "ls", "ooookf..", "", (TABLE(0), POINTER(1)))
ROW(E, regrow_table_give_away, "lpt", "cxcckf..", "", (TABLE(0), PID(1), TERM(2)))
ROW(E, regrow_table_set_heir, "lpt", "cxcckf..", "", (TABLE(0), PID(1), TERM(2)))
ROW(E, regrow_table_fix, "ln", "oxookf..", "", (TABLE(0), NUMBER(1) != 0))
ROW(E, regrow_table_info, "le", "ooooof..", "", (TABLE(0), POINTER(1)))
ROW(E, regrow_table_size, "lo", "ooooof..", "", (TABLE(0), POINTER(1)))
ROW(E, regrow_table_insert, "lt", "ooookf..", "", (TABLE(0), TERM(1)))
ROW(E, regrow_table_insert_new, "ltO", "ooookf..", "", (TABLE(0), TERM(1), POINTER(2)))
ROW(E, regrow_table_lookup, "lbe", "ooookf..", "", (TABLE(0), POINTER(1), POINTER(2)))
ROW(E, regrow_table_get, "lbe", "ooookf..", "", (TABLE(0), POINTER(1), POINTER(2)))
ROW(E, regrow_table_lookup_element, "lbne", "ooookf..", "", (TABLE(0), POINTER(1), NUMBER(2), POINTER(3)))
ROW(E, regrow_table_member, "lbo", "ooookf..", "", (TABLE(0), POINTER(1), POINTER(2)))
ROW(E, regrow_table_take, "lbE", "ooookf..", "", (TABLE(0), POINTER(1), POINTER(2)))
ROW(E, regrow_table_delete_key, "lb", "ooookf..", "", (TABLE(0), POINTER(1)))
ROW(E, regrow_table_delete_object, "lb", "ooookf..", "", (TABLE(0), POINTER(1)))
ROW(E, regrow_table_delete_all_objects, "l", "ooookf..", "", (TABLE(0)))
ROW(E, regrow_table_update_counter, "lbtBE", "ooookf..", "", (TABLE(0), POINTER(1), TERM(2), POINTER(3), POINTER(4)))
ROW(E, regrow_table_update_element, "lbtO", "ooookf..", "", (TABLE(0), POINTER(1), TERM(2), POINTER(3)))
ROW(E, regrow_table_first, "le", "ooookf..", "", (TABLE(0), POINTER(1)))
ROW(E, regrow_table_last, "le", "ooookf..", "", (TABLE(0), POINTER(1)))
ROW(E, regrow_table_next, "lbe", "ooookf..", "", (TABLE(0), POINTER(1), POINTER(2)))
ROW(E, regrow_table_prev, "lbe", "ooookf..", "", (TABLE(0), POINTER(1), POINTER(2)))
ROW(E, regrow_table_to_file, "ls", "ooookf..", "", (TABLE(0), POINTER(1)))
ROW(E, regrow_table_from_file, "so", "lxllkf..", "", (POINTER(0), POINTER(1)))
ROW(E, regrow_table_to_list, "le", "ooookf..", "", (TABLE(0), POINTER(1)))
ROW(E, regrow_table_match, "lbe", "ooookf..", "", (TABLE(0), POINTER(1), POINTER(2)))
ROW(E, regrow_table_match_object, "lbe", "ooookf..", "", (TABLE(0), POINTER(1), POINTER(2)))
ROW(E, regrow_table_match_delete, "lbO", "ooookf..", "", (TABLE(0), POINTER(1), POINTER(2)))
ROW(E, regrow_table_select, "lbe", "ooookf..", "", (TABLE(0), POINTER(1), POINTER(2)))
ROW(E, regrow_table_select_reverse, "lbe", "ooookf..", "", (TABLE(0), POINTER(1), POINTER(2)))
ROW(E, regrow_table_select_count, "lbo", "ooookf..", "", (TABLE(0), POINTER(1), POINTER(2)))
ROW(E, regrow_table_select_delete, "lbO", "ooookf..", "", (TABLE(0), POINTER(1), POINTER(2)))
ROW(E, regrow_table_select_replace, "lbO", "ooookf..", "", (TABLE(0), POINTER(1), POINTER(2)))
ROW(E, regrow_table_match_limit, "lbnee", "ooookf..", "", (TABLE(0), POINTER(1), NUMBER(2), POINTER(3), POINTER(4)))
ROW(E, regrow_table_match_object_limit, "lbnee", "ooookf..", "", (TABLE(0), POINTER(1), NUMBER(2), POINTER(3), POINTER(4)))
ROW(E, regrow_table_select_limit, "lbnee", "ooookf..", "", (TABLE(0), POINTER(1), NUMBER(2), POINTER(3), POINTER(4)))
ROW(E, regrow_table_select_reverse_limit, "lbnee", "ooookf..", "", (TABLE(0), POINTER(1), NUMBER(2), POINTER(3), POINTER(4)))
ROW(E, regrow_table_select_next, "bee", "ooookf..", "", (POINTER(0), POINTER(1), POINTER(2)))
