// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import SallyIdentity
import SallyModel
package import SallyPolicy
import Synchronization

/// Counters, gauges and one histogram, in the text format of Prometheus (version 0.0.4). Labels come from closed lists,
/// so memory is bounded.
package final class Metrics: Sendable {
    private let state = Mutex(State())

    private struct State {
        var counters: [Series: Int] = [:]
        var gauges: [Series: Double] = [:]
        var durations: [Series: Histogram] = [:]
    }

    private struct Series: Hashable, Comparable {
        var name: String
        /// As it stands between the braces.
        var labels: String
        static func < (left: Self, right: Self) -> Bool { (left.name, left.labels) < (right.name, right.labels) }
    }

    private struct Histogram {
        var buckets = Array(repeating: 0, count: Metrics.bounds.count)
        var count = 0
        var sum = 0.0
    }

    private static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    private static let help = [
        "sallyport_requests_total": "Requests answered, by method, route and status.",
        "sallyport_request_seconds": "Time from request to answer, by route.",
        "sallyport_refusals_total": "Requests refused, by problem code.",
        "sallyport_decisions_total": "Decisions of policy, by action and outcome.",
        "sallyport_submissions_total": "Submissions, by cluster and outcome.",
        "sallyport_submissions_open": "Submissions whose outcome is being checked.",
        "sallyport_clock_skew_seconds": "How far slurmctld's clock is ahead of the gateway's, when last measured.",
        "sallyport_refreshes_total": "Refresh tokens presented, by what became of them.",
        "sallyport_cluster_ready": "Whether the last authenticated read of the cluster succeeded.",
        "sallyport_snapshot_jobs": "Jobs in the shared view of the queue.",
        "sallyport_snapshot_read_seconds": "How long the last read of the queue took.",
    ]

    package init() {}

    func answered(method: HTTPRequest.Method, route: String, status: Int, took: Duration) {
        let labels = "method=\"\(known(method))\",route=\"\(route)\",status=\"\(status)\""
        let seconds = took / .seconds(1)
        state.withLock { state in
            state.counters[Series(name: "sallyport_requests_total", labels: labels), default: 0] += 1
            let series = Series(name: "sallyport_request_seconds", labels: "route=\"\(route)\"")
            var histogram = state.durations[series] ?? Histogram()
            for (index, bound) in Metrics.bounds.enumerated() where seconds <= bound { histogram.buckets[index] += 1 }
            histogram.count += 1
            histogram.sum += seconds
            state.durations[series] = histogram
        }
    }

    func refused(_ code: SallyError.Code) {
        add("sallyport_refusals_total", "code=\"\(code.rawValue)\"")
    }

    func submitted(_ cluster: ClusterName, outcome: String) {
        add("sallyport_submissions_total", "cluster=\"\(cluster)\",outcome=\"\(outcome)\"")
    }

    func open(_ cluster: ClusterName, _ count: Int) {
        set("sallyport_submissions_open", cluster, Double(count))
    }

    func skewed(_ cluster: ClusterName, seconds: Int64) {
        set("sallyport_clock_skew_seconds", cluster, Double(seconds))
    }

    func refreshed(_ outcome: RefreshOutcome) {
        add("sallyport_refreshes_total", "outcome=\"\(outcome.rawValue)\"")
    }

    func refreshed(_ cluster: ClusterName, jobs: Int, took: Duration) {
        set("sallyport_snapshot_jobs", cluster, Double(jobs))
        set("sallyport_snapshot_read_seconds", cluster, took / .seconds(1))
    }

    func ready(_ cluster: ClusterName, _ ready: Bool) {
        set("sallyport_cluster_ready", cluster, ready ? 1 : 0)
    }

    private func add(_ name: String, _ labels: String) {
        state.withLock { $0.counters[Series(name: name, labels: labels), default: 0] += 1 }
    }

    private func set(_ name: String, _ cluster: ClusterName, _ value: Double) {
        state.withLock { $0.gauges[Series(name: name, labels: "cluster=\"\(cluster)\"")] = value }
    }

    private func known(_ method: HTTPRequest.Method) -> String {
        switch method {
        case .get, .post, .delete, .put, .patch, .head, .options: method.rawValue
        default: "OTHER"
        }
    }

    /// Everything, sorted.
    package func render() -> String {
        let state = state.withLock { ($0.counters, $0.gauges, $0.durations) }
        var text = ""
        var named = ""
        func head(_ name: String, _ kind: String) {
            guard name != named else { return }
            named = name
            text += "# HELP \(name) \(Metrics.help[name] ?? "")\n# TYPE \(name) \(kind)\n"
        }
        for (series, value) in state.0.sorted(by: { $0.key < $1.key }) {
            head(series.name, "counter")
            text += "\(series.name){\(series.labels)} \(value)\n"
        }
        for (series, value) in state.1.sorted(by: { $0.key < $1.key }) {
            head(series.name, "gauge")
            text += "\(series.name){\(series.labels)} \(value)\n"
        }
        for (series, histogram) in state.2.sorted(by: { $0.key < $1.key }) {
            head(series.name, "histogram")
            for (bound, count) in zip(Metrics.bounds, histogram.buckets) {
                text += "\(series.name)_bucket{\(series.labels),le=\"\(bound)\"} \(count)\n"
            }
            text += "\(series.name)_bucket{\(series.labels),le=\"+Inf\"} \(histogram.count)\n"
            text += "\(series.name)_sum{\(series.labels)} \(histogram.sum)\n"
            text += "\(series.name)_count{\(series.labels)} \(histogram.count)\n"
        }
        return text
    }
}

extension Metrics: DecisionCounter {
    package func count(_ action: String, _ outcome: DecisionOutcome) {
        add("sallyport_decisions_total", "action=\"\(action)\",outcome=\"\(outcome.rawValue)\"")
    }
}
