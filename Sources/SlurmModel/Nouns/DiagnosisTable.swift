// SPDX-License-Identifier: Apache-2.0

extension NounTable {
    /// `GET /slurm/VERSION/diag`. Sources: src/plugins/openapi/v0.0.38/diag.c; STATS_MSG in
    /// src/plugins/data_parser/v0.0.40 to v0.0.45/parsers.c.
    static let diagnosis = NounTable([
        .integer("parts_packed"),
        .number("req_time", usual: .zero),
        .number("req_time_start", usual: .zero),
        .integer("server_thread_count"),
        .integer("agent_queue_size"),
        .integer("agent_count"),
        .integer("agent_thread_count"),
        .integer("dbd_agent_queue_size"),
        .integer("gettimeofday_latency"),
        .integer("schedule_cycle_max"),
        .integer("schedule_cycle_last"),
        .integer("schedule_cycle_total"),
        .integer("schedule_cycle_mean"),
        .integer("schedule_cycle_mean_depth"),
        .integer("schedule_cycle_per_minute"),
        .integer("schedule_queue_length"),
        .integer("schedule_exit.end_job_queue", 40...45),
        .integer("schedule_exit.default_queue_depth", 40...45),
        .integer("schedule_exit.max_job_start", 40...45),
        .integer("schedule_exit.max_rpc_cnt", 40...45),
        .integer("schedule_exit.max_sched_time", 40...45),
        .integer("schedule_exit.licenses", 40...45),
        .integer("jobs_submitted"),
        .integer("jobs_started"),
        .integer("jobs_completed"),
        .integer("jobs_canceled"),
        .integer("jobs_failed"),
        .integer("jobs_pending"),
        .integer("jobs_running"),
        .number("job_states_ts", usual: .zero),
        .integer("bf_backfilled_jobs"),
        .integer("bf_last_backfilled_jobs"),
        .integer("bf_backfilled_het_jobs"),
        .integer("bf_cycle_counter"),
        .integer("bf_cycle_mean"),
        .integer("bf_depth_mean"),
        .integer("bf_depth_mean_try"),
        .integer("bf_cycle_sum", 40...45),
        .integer("bf_cycle_last"),
        .integer("bf_last_depth"),
        .integer("bf_last_depth_try"),
        .integer("bf_depth_sum", 40...45),
        .integer("bf_depth_try_sum", 40...45),
        .integer("bf_queue_len"),
        .integer("bf_queue_len_mean"),
        .integer("bf_queue_len_sum", 40...45),
        .integer("bf_table_size"),
        .integer("bf_table_size_mean"),
        .number("bf_when_last_cycle", usual: .zero),
        .flag("bf_active"),
        .integer("bf_exit.end_job_queue", 40...45),
        .integer("bf_exit.bf_max_job_start", 40...45),
        .integer("bf_exit.bf_max_job_test", 40...45),
        .integer("bf_exit.bf_max_time", 40...45),
        .integer("bf_exit.bf_node_space_size", 40...45),
        .integer("bf_exit.state_changed", 40...45),
        .integer("schedule_cycle_sum", 41...45),
        .integer("schedule_cycle_depth", 41...45),
        .integer("bf_cycle_max", 41...45).old("bf_cycle_max", .integer),
        .integer("bf_table_size_sum", 41...45),
        .records("rpcs_by_message_type", messageCalls),
        .records("rpcs_by_user", userCalls),
        .records("pending_rpcs", pendingCalls, 41...45),
        .records("pending_rpcs_by_hostlist", pendingHosts, 41...45),
    ])

    static let messageCalls = NounTable([
        .text("message_type"),
        .integer("type_id"),
        .integer("count"),
        .integer("queued", 41...45),
        .integer("dropped", 41...45),
        .integer("cycle_last", 41...45),
        .integer("cycle_max", 41...45),
        .integer("total_time"),
        .integer("average_time", 38...40).also("average_time", 41...45, .number),
    ])

    static let userCalls = NounTable([
        .text("user"),
        .integer("user_id"),
        .integer("count"),
        .integer("total_time"),
        .integer("average_time", 38...40).also("average_time", 41...45, .number),
    ])

    static let pendingCalls = NounTable([
        .integer("type_id", 41...45),
        .text("message_type", 41...45),
        .integer("count", 41...45),
    ])

    static let pendingHosts = NounTable([
        .integer("type_id", 41...45),
        .text("message_type", 41...45),
        .words("count", 41...45),
    ])
}
