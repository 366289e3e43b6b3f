// SPDX-License-Identifier: Apache-2.0

/// How a job's tasks are bound to devices, and how it is measured.
let deviceFields: [DescriptionField] = [
    .init(
        refused: "acctg_freq", .tuning,
        [
            .init("account_gather_frequency", 36...45, .text),
            .init("account_gather_freqency", 36...36, .text, .alias),
        ]),
    .init(
        refused: "cpu_bind", .tuning,
        [.init("cpu_binding", 36...38, .text, .disabled), .init("cpu_binding", 40...45, .text)]),
    .init(refused: "cpu_binding_flags", .tuning, [.init("cpu_binding_flags", 40...45, .words)]),
    .init(refused: "cpu_freq", .tuning, [.init("cpu_frequency", 36...45, .text)]),
    .init(refused: "mem_bind", .tuning, [.init("memory_binding", 36...45, .text)]),
    .init(refused: "memory_binding_type", .tuning, [.init("memory_binding_type", 40...45, .words)]),
    .init(
        refused: "gpu_bind", .tuning,
        [.init("gpu_binding", 36...38, .text)]),
    .init(
        refused: "gpu_freq", .tuning,
        [.init("gpu_frequency", 36...38, .text)]),
    .init(refused: "tres_bind", .tuning, [.init("tres_bind", 40...45, .text)]),
    .init(refused: "tres_freq", .tuning, [.init("tres_freq", 40...45, .text)]),
    .init(refused: "gres_flags", .tuning, [.init("gres_flags", 36...38, .text)], "GRES_BINDING_ among the flags"),
    .init(refused: "profile", .tuning, [.init("profile", 36...38, .text), .init("profile", 40...45, .words)]),
    .init(
        refused: "accelerator_binding", .tuning, [.init("accelerator_binding", 36...38, .text, .disabled)]),
]
