// SPDX-License-Identifier: Apache-2.0

import StrictJSON

extension NounTable {
    /// `GET /slurm/VERSION/jobs` and `/job/ID`. Sources: src/plugins/openapi/v0.0.38/jobs.c; JOB_INFO in
    /// src/plugins/data_parser/v0.0.40 to v0.0.45/parsers.c; recorded replies of 22.05.8 and 24.11.5.
    static let job = NounTable([
        .text("account"),
        .number("accrue_time", usual: .zero),
        .text("admin_comment"),
        .text("allocating_node", 40...45),
        .number("array_job_id", usual: .zero),
        .number("array_task_id"),
        .number("array_max_tasks", usual: .zero),
        .text("array_task_string"),
        .integer("association_id"),
        .text("batch_features"),
        .flag("batch_flag", usual: true),
        .text("batch_host"),
        .field("flags").old("flags", .oldWords(oldJobFlags)).also("flags", 40...45, .words)
            .gaining(43, "EXTERNAL_JOB").gaining(44, "CONSOLIDATE_SEGMENTS", "EXPEDITED_REQUEUE", "SPREAD_SEGMENTS"),
        .text("burst_buffer"),
        .text("burst_buffer_state"),
        .text("cluster"),
        .text("cluster_features"),
        .text("command"),
        .text("comment"),
        .text("container"),
        .text("container_id", 40...45),
        .text("container_type", 45...45),
        .flag("contiguous"),
        .integer("core_spec"),
        .integer("thread_spec", usual: 32766),
        .number("cores_per_socket"),
        .field("billable_tres").old("billable_tres", .plainReal).also("billable_tres", 40...45, .realNumber),
        .number("cpus_per_task"),
        // 22.05 misspells it where it is set.
        .number("cpu_frequency_minimum").old("cpu_frequency_minumum", .plainNumber),
        .number("cpu_frequency_maximum"),
        .number("cpu_frequency_governor"),
        .text("cpus_per_tres"),
        .text("cron", 40...45),
        .number("deadline", usual: .zero),
        .number("delay_boot", usual: .zero),
        .text("dependency"),
        .field("derived_exit_code", usual: .zero)
            .old("derived_exit_code", .waitStatus).also("derived_exit_code", 40...45, .exit),
        .number("eligible_time", usual: .zero),
        .number("end_time", usual: .zero),
        .text("excluded_nodes"),
        .field("exit_code", usual: .zero).old("exit_code", .waitStatus).also("exit_code", 40...45, .exit),
        .text("extra", 40...45),
        .text("failed_node", 40...45),
        .text("features"),
        .text("federation_origin"),
        .text("federation_siblings_active"),
        .text("federation_siblings_viable"),
        .words("gres_detail"),
        .integer("group_id"),
        .text("group_name"),
        .number("het_job_id", usual: .zero),
        .text("het_job_id_set"),
        .number("het_job_offset", usual: .zero),
        .integer("job_id"),
        .field("job_resources")
            .also("job_resources", 38...40, .object(jobResources, absent: [:]))
            .also("job_resources", 41...45, .object(jobResources, absent: nil)),
        .words("job_size_str", 40...45),
        .field("job_state").old("job_state", .oldWords(WordNames())).also("job_state", 40...45, .words)
            .gaining(44, "EXPEDITING"),
        .number("last_sched_evaluation", usual: .zero),
        .text("licenses"),
        .text("licenses_allocated", 43...45),
        .words("mail_type", 40...45),
        .text("mail_user", 40...45),
        .number("max_cpus", usual: .zero),
        .number("max_nodes", usual: .zero),
        .text("mcs_label"),
        .text("memory_per_tres"),
        .integer("memory_update_delay", 45...45),
        .integer("memory_update_margin", 45...45),
        .text("name"),
        .text("network", 40...45),
        .text("nodes"),
        .integer("nice"),
        .number("tasks_per_core", usual: .infinite),
        .number("tasks_per_tres", 40...45, usual: .zero),
        .number("tasks_per_node", usual: .zero),
        .number("tasks_per_socket", usual: .infinite),
        .number("tasks_per_board", usual: .zero),
        .number("cpus"),
        .number("node_count"),
        .number("tasks"),
        .text("partition"),
        .text("prefer"),
        .number("memory_per_cpu"),
        .number("memory_per_node", usual: .zero),
        .number("minimum_cpus_per_node", usual: .integer(1)),
        .number("minimum_tmp_disk_per_node", usual: .zero),
        .words("power.flags", 40...44),
        .number("preempt_time", usual: .zero),
        .number("preemptable_time", 40...45, usual: .zero),
        .number("pre_sus_time", usual: .zero),
        .flag("hold", 40...45),
        .number("priority"),
        .records("priority_by_partition", partitionPriority, 42...45),
        .field("profile", usual: .words(["NOT_SET"]))
            .old("profile", .oldWords(WordNames())).also("profile", 40...45, .words),
        .text("qos"),
        .flag("reboot"),
        .text("required_nodes"),
        .integer("required_switches", 42...45).also("minimum_switches", 40...41, .integer),
        .flag("requeue"),
        .number("resize_time", usual: .zero),
        .integer("restart_cnt"),
        .text("resv_name"),
        .text("scheduled_nodes", 40...45),
        .integer("segment_size", 43...45),
        .text("selinux_context", 40...45),
        .field("shared").old("shared", .oldWords(oldSharing)).also("shared", 40...45, .words),
        .words("exclusive", 40...41),
        .flag("oversubscribe", 40...41, usual: true),
        .words("show_flags", 38...41),
        .text("step_id.sluid", 44...45),
        .number("step_id.job_id", 44...45).otherwise("job_id"),
        .number("step_id.step_het_component", 44...45),
        .text("step_id.step_id", 44...45),
        .integer("sockets_per_board"),
        .number("sockets_per_node"),
        .number("start_time", usual: .zero),
        .text("state_description"),
        .text("state_reason", usual: .text("None")),
        // Where output goes: v0.0.40 to v0.0.42 with their patterns filled in, v0.0.38 as it was asked for, later both.
        .text("standard_error", 40...42).also("stderr_expanded", 43...45, .text).otherwise("standard_error_pattern"),
        .text("standard_input", 40...42).also("stdin_expanded", 43...45, .text).otherwise("standard_input_pattern"),
        .text("standard_output", 40...42).also("stdout_expanded", 43...45, .text).otherwise("standard_output_pattern"),
        .field("standard_error_pattern")
            .old("standard_error", .text).also("standard_error", 43...45, .text).otherwise("standard_error"),
        .field("standard_input_pattern")
            .old("standard_input", .text).also("standard_input", 43...45, .text).otherwise("standard_input"),
        .field("standard_output_pattern")
            .old("standard_output", .text).also("standard_output", 43...45, .text).otherwise("standard_output"),
        .number("submit_time", usual: .zero),
        .text("submit_line", 44...45),
        .number("suspend_time", usual: .zero),
        .text("system_comment"),
        .field("time_limit").old("time_limit", .plainLimit).also("time_limit", 40...45, .number),
        .field("time_minimum", usual: .zero).old("time_minimum", .plainLimit).also("time_minimum", 40...45, .number),
        .number("threads_per_core"),
        .text("tres_bind"),
        .text("tres_freq"),
        .text("tres_per_job"),
        .text("tres_per_node"),
        .text("tres_per_socket"),
        .text("tres_per_task"),
        .text("tres_req_str"),
        .text("tres_alloc_str"),
        .integer("user_id"),
        .text("user_name"),
        .integer("maximum_switch_wait_time", 40...45),
        .text("wckey"),
        .text("current_working_directory"),
    ])

    /// What the job has of its nodes. v0.0.38 and v0.0.40 say less.
    static let jobResources = NounTable([
        .words("select_type", 41...45),
        .field("nodes.count").also("allocated_hosts", 38...40, .integer).also("nodes.count", 41...45, .integer),
        .words("nodes.select_type", 41...45),
        .field("nodes.list").also("nodes", 38...40, .text).also("nodes.list", 41...45, .text),
        .flag("nodes.whole", 41...45),
        .field("nodes.allocation")
            .also("allocated_nodes", 38...40, .records(nodeAllocation))
            .also("nodes.allocation", 41...45, .records(nodeAllocation)),
        .field("cpus", usual: .zero).also("allocated_cores", 38...40, .integer).also("cpus", 41...45, .integer),
        .integer("allocated_cpus", 38...40),
        .number("threads_per_core", 41...45),
    ])

    static let nodeAllocation = NounTable([
        .integer("index", 41...45),
        .field("name").also("nodename", 38...40, .text).also("name", 41...45, .text),
        .integer("cpus.count", 41...45),
        .field("cpus.used", usual: .zero).also("cpus_used", 38...40, .integer).also("cpus.used", 41...45, .integer),
        .field("memory.used", usual: .zero)
            .also("memory_used", 38...40, .integer).also("memory.used", 41...45, .integer),
        .field("memory.allocated", usual: .zero)
            .also("memory_allocated", 38...40, .integer).also("memory.allocated", 41...45, .integer),
        .field("sockets").also("sockets", 38...40, .coreMap).also("sockets", 41...45, .cores),
    ])

    static let partitionPriority = NounTable([
        .text("partition", 42...45),
        .integer("priority", 42...45),
    ])
}

/// Flags of 22.05 (src/plugins/openapi/v0.0.38/jobs.c) by the names that JOB_FLAGS has since v0.0.39.
private let oldJobFlags = WordNames(
    names: [
        "KILL_INV_DEP": "KILL_INVALID_DEPENDENCY",
        "NO_KILL_INV_DEP": "NO_KILL_INVALID_DEPENDENCY",
        "HAS_STATE_DIR": "HAS_STATE_DIRECTORY",
        "BACKFILL_TEST": "TESTING_BACKFILL",
        "GRES_ENFORCE_BIND": "GRES_BINDING_ENFORCED",
        "USE_MIN_NODES": "PREFER_MINIMUM_NODE_COUNT",
        "TRES_STR_CALC": "SKIP_TRES_STRING_ACCOUNTING",
        "SIB_JOB_FLUSH": "SIBLING_CLUSTER_UPDATE_ONLY",
        "HET_JOB_FLAG": "HETEROGENEOUS_JOB",
        "JOB_CPUS_SET": "EXACT_CPU_COUNT_REQUESTED",
        "TOP_PRIO_TMP": "TOP_PRIORITY_JOB",
        "JOB_ACCRUE_OVER": "ACCRUE_COUNT_CLEARED",
        "GRES_DISABLE_BIND": "GRES_BINDING_DISABLED",
        "JOB_MEM_SET": "EXACT_MEMORY_REQUESTED",
    ])

private let oldSharing = WordNames(
    names: ["NONE": "none", "SHARED": "oversubscribe", "USER": "user", "MCS": "mcs"])
