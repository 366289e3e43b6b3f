// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// One rule of a policy.
///
/// An allow rule grants a job when everything in it matches and the job stays within `limits`. A deny rule refuses when
/// everything in it matches; what it does not name matches anything.
package struct Rule: Sendable, Equatable {
    package var name: RuleName
    package var effect: Effect
    package var people: People
    package var clusters: Selection<ClusterName>
    package var partitions: Selection<PartitionName>
    package var accounts: Selection<AccountName>
    /// In an allow rule: the QOS that a job may name. Nil: none, so that the job runs in the default QOS of its
    /// association, which Slurm's administrators chose. A job that names no QOS is within every allow rule in this respect.
    /// In a deny rule: the QOS that are refused, named or by default. Nil: any.
    package var qos: Selection<QOSName>?
    /// In an allow rule: the reservations that a job may name; nil for none. In a deny rule: only jobs that name one of
    /// these are refused; nil refuses whether a job names one or not.
    package var reservations: Selection<ReservationName>?
    /// For allow rules only.
    package var limits: Limits

    package init(
        name: RuleName, effect: Effect, people: People, clusters: Selection<ClusterName>,
        partitions: Selection<PartitionName>, accounts: Selection<AccountName>, qos: Selection<QOSName>? = nil,
        reservations: Selection<ReservationName>? = nil, limits: Limits = Limits()
    ) {
        self.name = name
        self.effect = effect
        self.people = people
        self.clusters = clusters
        self.partitions = partitions
        self.accounts = accounts
        self.qos = qos
        self.reservations = reservations
        self.limits = limits
    }

    package enum Effect: String, Sendable, CaseIterable {
        case allow
        case deny
    }

    /// Whether a deny rule refuses everything on its clusters, reading and cancelling included: it narrows nothing.
    var isWholesale: Bool {
        partitions == .any && accounts == .any && (qos == nil || qos == .any) && reservations == nil
    }
}

/// Whom a rule is about.
package enum People: Sendable, Equatable {
    /// Who is in at least one of these groups.
    case groups(Set<GroupName>)
    /// Everybody who is signed in. Only where the policy says `everyone: true`.
    case everyone

    package func include(_ groups: Set<GroupName>) -> Bool {
        switch self {
        case .groups(let named): !named.isDisjoint(with: groups)
        case .everyone: true
        }
    }
}

/// Names that a rule is about, or all of them.
package enum Selection<Element: Name>: Sendable, Equatable {
    case any
    case only(Set<Element>)

    package func contains(_ element: Element) -> Bool {
        switch self {
        case .any: true
        case .only(let named): named.contains(element)
        }
    }
}
