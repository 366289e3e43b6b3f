// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import SlurmModel
import Testing

let demo = ClusterName(unchecked: "demo")
let alice = asker("alice", "demo:hpc-users")
let carol = asker("carol", "demo:hpc-users", "demo:gpu-users")
let stranger = asker("eve")

func asker(_ name: String, _ groups: String..., role: Principal.Role = .researcher) -> Asker {
    Asker(account: UserName(unchecked: name), groups: Set(groups.map(GroupName.init(unchecked:))), role: role)
}

func principal(_ asker: Asker, session: String = "session-0123456789") throws -> Principal {
    Principal(
        person: PersonID(rawValue: 7), subject: Subject(issuer: "https://idp.example", subject: "s"), displayName: "A",
        account: Account(name: asker.account, uid: try UserID(20001)), groups: asker.groups, role: asker.role,
        session: try opaque(session))
}

func opaque(_ text: String) throws -> OpaqueID {
    try #require(OpaqueID(rawValue: text))
}

func only<Element: Name>(_ names: String...) -> Selection<Element> {
    .only(Set(names.map(Element.init(unchecked:))))
}

func rule(
    _ name: String, _ effect: Rule.Effect = .allow, groups: [String]? = nil,
    clusters: Selection<ClusterName> = only("demo"),
    partitions: Selection<PartitionName> = .any, accounts: Selection<AccountName> = .any,
    qos: Selection<QOSName>? = nil, reservations: Selection<ReservationName>? = nil, limits: Limits = Limits()
) -> Rule {
    Rule(
        name: RuleName(unchecked: name), effect: effect,
        people: groups.map { .groups(Set($0.map(GroupName.init(unchecked:)))) } ?? .everyone, clusters: clusters,
        partitions: partitions, accounts: accounts, qos: qos, reservations: reservations, limits: limits)
}

/// Researchers in debug with limits, gpu-users in gpu with typed GPUs.
func demoRules() -> [Rule] {
    [
        rule(
            "researchers", groups: ["demo:hpc-users"], partitions: only("debug"), accounts: only("research"),
            limits: Limits(nodes: 2, cpus: 8, memory: 8 << 30, gpus: 0, time: .seconds(3600), arrayTasks: 10)),
        rule(
            "gpu-users", groups: ["demo:gpu-users"], partitions: only("gpu"), accounts: only("research", "gpu"),
            qos: only("long"), reservations: only("course"), limits: Limits(gpusByType: ["a100": 2, "t4": 1])),
    ]
}

func job(
    _ partitions: String..., account: String = "research", qos: [String] = [], defaultQOS: String? = "normal",
    reservations: [String] = [], nodes: Int? = 1, cpus: Int? = 1, memory: Int64? = 1 << 30, gpus: [String: Int] = [:],
    untyped: Int = 0, time: Duration? = .seconds(60), tasks: Int = 1
) -> JobFacts {
    JobFacts(
        partitions: partitions.map(PartitionName.init(unchecked:)), account: AccountName(unchecked: account),
        qos: qos.map(QOSName.init(unchecked:)), defaultQOS: defaultQOS.map(QOSName.init(unchecked:)),
        reservations: reservations.map(ReservationName.init(unchecked:)), nodes: nodes, cpus: cpus, memory: memory,
        gpusByType: gpus, untypedGPUs: untyped, time: time, arrayTasks: tasks)
}
