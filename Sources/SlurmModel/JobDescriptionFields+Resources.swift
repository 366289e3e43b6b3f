// SPDX-License-Identifier: Apache-2.0

/// How much a job may use.
let resourceFields: [DescriptionField] = [
    .init(
        .nodes, "nodes", .judged, .nodes, .whilePending,
        [.init("nodes", 36...38, .text), .init("nodes", 40...45, .text, .alias)],
        "a number, a range, or a list of two numbers; steps and lists of counts are refused. "
            + "22.05.8 ignores the list of two that its description asks for"),
    .init(
        .minimumNodes, "nodes", .normalised, .nodes, .whilePending,
        [.init("minimum_nodes", 40...45, .integer(.thirtyTwo))],
        "without a maximum, that is a node for each task, and in an update the maximum that the job has; beside `nodes` it is "
            + "refused unless it says the same"),
    .init(
        .maximumNodes, "nodes", .normalised, .nodes, .whilePending,
        [.init("maximum_nodes", 40...45, .integer(.thirtyTwo))], "the maximum is what counts"),
    .init(
        .tasks, "ntasks", .judged, .tasks, .whilePending,
        [.init("tasks", 36...45, .integer(.thirtyTwo)), .init("ntasks", 36...38, .integer(.thirtyTwo), .alias)]),
    .init(
        .tasksPerNode, "ntasks_per_node", .judged, .tasks, .never,
        [
            .init("tasks_per_node", 36...45, .integer(.sixteen)),
            .init("ntasks_per_node", 36...38, .integer(.sixteen), .alias),
        ]),
    .init(
        .tasksPerSocket, "ntasks_per_socket", .judged, .nothing, .never,
        [
            .init("tasks_per_socket", 36...45, .integer(.sixteen)),
            .init("ntasks_per_socket", 36...38, .integer(.sixteen), .alias),
        ], "only beside ntasks, which it spreads"),
    .init(
        .cpusPerTask, "cpus_per_task", .judged, .cpus, .never,
        [.init("cpus_per_task", 36...45, .integer(.sixteen))]),
    .init(
        .cpusPerNode, "mincpus", .judged, .cpus, .whilePending,
        [.init("minimum_cpus_per_node", 36...45, .integer(.sixteen))], "on each node"),
    .init(
        .memoryPerNode, "mem", .judged, .memory, .whilePending,
        [
            .init("memory_per_node", 36...38, .integer(.sixtyFour)),
            .init("memory_per_node", 40...45, .number(.sixtyFour)),
        ],
        "MiB, or a text with K, M, G or T; 0 is all memory of each node"),
    .init(
        .memoryPerCPU, "mem_per_cpu", .judged, .memory, .whilePending,
        [.init("memory_per_cpu", 36...38, .integer(.sixtyFour)), .init("memory_per_cpu", 40...45, .number(.sixtyFour))]),
    .init(
        .disk, "tmp", .allowed, .nothing, .whilePending,
        [.init("temporary_disk_per_node", 36...45, .integer(.thirtyTwo))], "MiB; chooses nodes, takes nothing"),
    .init(.gpus, "gpus", .judged, .gpus, .whilePending, [.init("gpus", 36...38, .text)]),
    .init(.gpusPerNode, "gpus_per_node", .judged, .gpus, .whilePending, [.init("gpus_per_node", 36...38, .text)]),
    .init(.gpusPerTask, "gpus_per_task", .judged, .gpus, .whilePending, [.init("gpus_per_task", 36...38, .text)]),
    .init(
        .gres, "gres", .normalised, .gpus, .never, [.init("gres", 36...38, .text, .alias)],
        "gpus_per_node; other generic resources than gpu are refused"),
    .init(
        .tresPerJob, "gpus", .judged, .gpus, .whilePending, [.init("tres_per_job", 40...45, .text)],
        "gres/gpu alone; an update to another type is refused where slurmrestd speaks v0.0.40 or older"),
    .init(
        .tresPerNode, "gpus_per_node", .judged, .gpus, .whilePending, [.init("tres_per_node", 40...45, .text)],
        "gres/gpu alone"),
    .init(
        .tresPerTask, "gpus_per_task", .judged, .gpus, .whilePending, [.init("tres_per_task", 40...45, .text)],
        "gres/gpu alone"),
    .init(.cpusPerGPU, "cpus_per_gpu", .judged, .cpus, .never, [.init("cpus_per_gpu", 36...38, .integer(.sixteen))]),
    .init(.cpusPerTRES, "cpus_per_gpu", .judged, .cpus, .whilePending, [.init("cpus_per_tres", 40...45, .text)]),
    .init(
        .memoryPerGPU, "mem_per_gpu", .judged, .memory, .never,
        [.init("memory_per_gpu", 36...38, .integer(.sixtyFour))]),
    .init(
        .memoryPerTRES, "mem_per_gpu", .judged, .memory, .whilePending, [.init("memory_per_tres", 40...45, .text)]),
    .init(
        refused: "gpus_per_socket", .unbounded,
        [.init("gpus_per_socket", 36...38, .text), .init("tres_per_socket", 40...45, .text)]),
    .init(refused: "minimum_cpus", .spelling, [.init("minimum_cpus", 40...45, .integer(.thirtyTwo))], "say ntasks"),
    .init(refused: "maximum_cpus", .spelling, [.init("maximum_cpus", 40...45, .integer(.thirtyTwo))], "say ntasks"),
    .init(
        refused: "ntasks_per_core", .unbounded,
        [
            .init("tasks_per_core", 36...45, .integer(.sixteen)),
            .init("ntasks_per_core", 36...38, .integer(.sixteen), .alias),
        ], "gives each task whole cores"),
    .init(refused: "tasks_per_board", .unbounded, [.init("tasks_per_board", 40...45, .integer(.sixteen))]),
    .init(
        refused: "ntasks_per_gpu", .unbounded,
        [
            .init("ntasks_per_gpu", 36...38, .integer(.sixteen)),
            .init("ntasks_per_tres", 36...45, .integer(.sixteen)),
        ]),
    .init(
        refused: "minimum_boards_per_node", .unbounded,
        [.init("minimum_boards_per_node", 40...45, .integer(.sixteen))]),
    .init(
        refused: "minimum_sockets_per_board", .unbounded,
        [.init("minimum_sockets_per_board", 40...45, .integer(.sixteen))]),
    .init(refused: "sockets_per_node", .unbounded, [.init("sockets_per_node", 36...45, .integer(.sixteen))]),
    .init(
        refused: "cores_per_socket", .unbounded,
        [
            .init("cores_per_socket", 36...40, .integer(.sixteen)),
            .init("cores_per_socket", 45...45, .integer(.sixteen)),
        ]),
    .init(refused: "threads_per_core", .unbounded, [.init("threads_per_core", 36...45, .integer(.sixteen))]),
    .init(refused: "extra_node_info", .unbounded, [.init("extra_node_info", 36...38, .text, .disabled)]),
    .init(
        refused: "hint", .unbounded,
        [.init("cpu_binding_hint", 36...38, .text), .init("cpu_binding hint", 36...37, .text, .alias)]),
    .init(
        refused: "overcommit", .unbounded,
        [.init("overcommit", 36...38, .flag, .disabled), .init("overcommit", 40...45, .flag)]),
    .init(refused: "distribution", .unbounded, [.init("distribution", 36...45, .text)]),
    .init(
        refused: "distribution_plane_size", .unbounded,
        [
            .init("distribution_plane_size", 40...40, .integer(.sixteen)),
            .init("distribution_plane_size", 41...45, .number(.sixteen)),
        ]),
    .init(
        refused: "licenses", .uncounted,
        [.init("licenses", 36...45, .text), .init("license", 36...38, .text, .alias)]),
    .init(
        refused: "bb", .uncounted, [.init("burst_buffer", 36...45, .text)]),
    .init(refused: "bbf", .uncounted, [.init("burst_buffer_file", 36...38, .text, .disabled)]),
    .init(refused: "core_spec", .uncounted, [.init("core_specification", 36...45, .integer(.sixteen))]),
    .init(refused: "thread_spec", .uncounted, [.init("thread_specification", 36...45, .integer(.sixteen))]),
    .init(
        refused: "network", .uncounted,
        [.init("network", 36...38, .text, .disabled), .init("network", 40...45, .text)]),
    .init(
        refused: "resv_ports", .uncounted,
        [
            .init("reserve_ports", 36...38, .text, .disabled), .init("reserve_port", 36...38, .text, .disabled),
            .init("resv_mpi_ports", 41...41, .integer(.sixteen)),
        ]),
    .init(
        stripped: "reserve_ports", [.init("reserve_ports", 40...45, .integer(.sixteen))],
        "a port for messages to the submitting program, which a batch job has none of"),
    .init(refused: "wckey", .uncounted, [.init("wckey", 36...45, .text)]),
    .init(
        refused: "memory_update_margin", .tuning, [.init("memory_update_margin", 45...45, .integer(.sixteen))]),
    .init(refused: "memory_update_delay", .tuning, [.init("memory_update_delay", 45...45, .integer(.sixteen))]),
]
