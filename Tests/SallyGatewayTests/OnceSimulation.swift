// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyPolicy
import SallyWire
import SlurmModel

@testable import SallyGateway
@testable import SallyStore

/// Submissions, retries and crashes in one order of a great many, decided by a seed: the rules are the real ones (what a key says
/// to a request, which outcome is written down, what a look at Slurm means), and around them are a store, a signer, a network
/// that delays and loses, and a Slurm with a clock of its own, made of events. Time is in whole seconds of the gateway's clock.
struct OnceSimulation {
    /// SplitMix64: the same seed gives the same order.
    struct Dice: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
        mutating func roll(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &self) }
        /// Once in `count` times.
        mutating func once(in count: Int64) -> Bool { roll(1...count) == 1 }
    }

    struct Job {
        var id: JobID
        var key: Int
        var created: Int64
        var ended: Int64
        /// When slurmdbd was told of its end.
        var told: Int64
    }

    /// A step of what one gateway process does for one submission; it ends with the process.
    private enum Event {
        case ask(key: Int)
        case prepare(Order)
        case mint(Order)
        case send(Order)
        /// At Slurm's door.
        case arrive(Order, minted: Int64)
        /// slurmctld lets the job into its queue.
        case create(Order)
        case answer(Order, SubmissionOutcome)
        case giveUp(Order)
        case look(process: Int, life: Int)
        case readQueue(Look)
        case readAccounting(Look, [Submission], Settlement)
        case crash(process: Int)
        case start(process: Int)
    }

    private struct Order {
        var key: Int
        var position: AuditPosition
        /// No token is asked for after this.
        var mintBy: Int64
        var process: Int
        var life: Int
        /// Which try: an answer after the gateway gave up is not heard.
        var number: Int
    }

    private struct Look {
        var process: Int
        var life: Int
        var began: Int64
        var open: [Submission]
    }

    static let user = UserName(unchecked: "alice")
    private static let demo = ClusterName(unchecked: "demo")
    private static let person = PersonID(rawValue: 1)
    private static let makers = SubmissionMarker.Maker(secret: Secret(Array(repeating: 7, count: 32)))

    let seed: UInt64
    private var dice: Dice
    private var now: Int64 = 1_000_000
    private var agenda: [(time: Int64, order: Int, event: Event)] = []
    private var count = 0

    // The installation.
    private var rows: [Int: Submission] = [:]
    private var minted: [Int64: Int64] = [:]
    private var sequence: Int64 = 0
    private var lives: [Int]
    private var isUp: [Bool]
    private var underWay: [Int: Set<Int>] = [:]
    /// By process and key: which order works on it, or did.
    private var busyKeys: [Int: [Int: Int]] = [:]
    private var orders = 0
    /// By process: when it last saw that slurmctld had told slurmdbd everything.
    private var toldAt: [Int: Int64] = [:]

    // Slurm.
    let offset: Int64
    let records: Settlement.Records
    let keepsComments: Bool
    private(set) var jobs: [Job] = []

    // What callers learned.
    private(set) var answers: [Int: Set<JobID>] = [:]
    let keys: Int
    /// When everything is up and no answer is lost any more.
    private let calm: Int64

    init(seed: UInt64) {
        self.seed = seed
        dice = Dice(state: seed)
        offset = dice.once(in: 3) ? dice.roll(-290...14) : dice.roll(-2...2)
        records = Settlement.Records(accounting: !dice.once(in: 5), queueKeeps: .seconds(300))
        keepsComments = !dice.once(in: 5)
        keys = Int(dice.roll(1...3))
        let processes = Int(dice.roll(1...2))
        lives = Array(repeating: 0, count: processes)
        isUp = Array(repeating: true, count: processes)
        calm = now + dice.roll(60...900)
    }

    /// Whether whoever waits long enough must get an answer: else it may stay open for ever, rather than become two jobs.
    var alwaysEnds: Bool { records.accounting && keepsComments }

    mutating func run() {
        for key in 0..<keys { plan(dice.roll(0...20), .ask(key: key)) }
        for process in lives.indices {
            plan(dice.roll(0...10), .look(process: process, life: 0))
            if !dice.once(in: 3) { plan(dice.roll(0...200), .crash(process: process)) }
        }
        let end = calm + 1800
        while let next = agenda.min(by: { ($0.time, $0.order) < ($1.time, $1.order) }), next.time <= end {
            agenda.removeAll { $0.order == next.order }
            now = next.time
            handle(next.event)
        }
    }

    private mutating func plan(_ delay: Int64, _ event: Event) {
        count += 1
        agenda.append((now + delay, count, event))
    }

    private func lives(_ order: Order) -> Bool { isUp[order.process] && lives[order.process] == order.life }
    private func lives(_ look: Look) -> Bool { isUp[look.process] && lives[look.process] == look.life }

    private mutating func handle(_ event: Event) {
        switch event {
        case .ask(let key): ask(key)
        case .prepare(let order):
            // Now and then an account takes its time, longer than any token may be waited for.
            if lives(order) { plan(dice.once(in: 10) ? dice.roll(0...200) : dice.roll(0...2), .mint(order)) }
        case .mint(let order):
            guard lives(order) else { return }
            guard now < order.mintBy else {
                return finish(order, .failed("preparing took too long"))
            }
            minted[order.position.sequence] = now
            plan(dice.roll(0...1), .send(order))
        case .send(let order):
            guard lives(order), let time = minted[order.position.sequence] else { return }
            plan(15, .giveUp(order))
            plan(dice.once(in: 4) && now < calm ? dice.roll(1...60) : 0, .arrive(order, minted: time))
        case .arrive(let order, let time):
            guard now + offset <= time + 15 else {
                return plan(0, .answer(order, .failed("the token has expired")))
            }
            plan(dice.once(in: 4) ? dice.roll(0...14) : 0, .create(order))
        case .create(let order):
            let id = JobID(rawValue: UInt32(jobs.count + 1)) ?? Self.impossible
            let ended = now + dice.roll(0...400)
            // Now and then slurmdbd is away for longer than the queue shows what has ended.
            let told = ended + (ended < calm && dice.once(in: 6) ? dice.roll(1...900) : dice.roll(0...2))
            jobs.append(Job(id: id, key: order.key, created: now, ended: ended, told: told))
            // Lost on its way, or late.
            if now < calm, dice.once(in: 3) { return }
            plan(now < calm ? dice.roll(0...20) : 0, .answer(order, .submitted(id)))
        case .answer(let order, let outcome):
            guard lives(order), underWay[order.process]?.contains(order.number) == true else { return }
            if case .submitted(let id) = outcome { answers[order.key, default: []].insert(id) }
            // Killed between telling and writing.
            if now < calm, dice.once(in: 8) { return crash(order.process) }
            finish(order, outcome)
        case .giveUp(let order):
            guard lives(order), underWay[order.process]?.contains(order.number) == true else { return }
            finish(order, .unknown)
        case .look(let process, let life):
            guard isUp[process], lives[process] == life else { return }
            let busy = underWay[process] ?? []
            let open = rows.values.filter { row in
                !row.state.isSettled && !(busyKeys[process]?[Int(row.id)].map { busy.contains($0) } ?? false)
            }.sorted { $0.id < $1.id }
            if open.isEmpty {
                plan(10, .look(process: process, life: life))
            } else {
                plan(dice.roll(0...8), .readQueue(Look(process: process, life: life, began: now, open: open)))
            }
        case .readQueue(let look):
            if lives(look) { readQueue(look) }
        case .readAccounting(let look, let left, let settlement):
            if lives(look) { readAccounting(look, left, settlement) }
        case .crash(let process): crash(process)
        case .start(let process):
            guard !isUp[process] else { return }
            isUp[process] = true
            lives[process] += 1
            plan(0, .look(process: process, life: lives[process]))
            if now < calm, dice.once(in: 2) { plan(dice.roll(0...120), .crash(process: process)) }
        }
    }

    private mutating func crash(_ process: Int) {
        guard isUp[process], now < calm else { return }
        isUp[process] = false
        underWay[process] = []
        busyKeys[process] = [:]
        toldAt[process] = nil
        // Sometimes for so long that Slurm forgets what has ended.
        plan(dice.once(in: 6) ? dice.roll(300...900) : dice.roll(1...20), .start(process: process))
    }

    /// A caller with one key, who asks until there is an answer.
    private mutating func ask(_ key: Int) {
        // Once answered, seldom again.
        if answers[key] != nil, !dice.once(in: 4) { return }
        plan(dice.roll(1...30), .ask(key: key))
        guard let process = lives.indices.filter({ isUp[$0] }).randomElement(using: &dice) else { return }
        sequence += 1
        let position = AuditPosition(sequence: sequence, hash: "\(sequence)")
        if let row = rows[key] {
            // A key of this day with the request it came with before never throws.
            guard let verdict = try? row.verdict(on: "f", at: Timestamp(now)) else { return }
            switch verdict {
            case .known(.answered(let job)):
                answers[key, default: []].insert(job)
                return
            case .known, .expired: return
            case .again: break
            }
        }
        let mintBy =
            now + (dice.once(in: 2) ? SubmissionSteps.promptness : SubmissionSteps.preparation).components.seconds
        rows[key] = Submission(
            id: Int64(key), person: Self.person, user: Self.user, cluster: Self.demo, operation: .submit,
            idempotencyKey: "key-\(key)", fingerprint: "f", position: position, created: Timestamp(now),
            mintBy: Timestamp(mintBy), state: .reserved)
        orders += 1
        let order = Order(
            key: key, position: position, mintBy: mintBy, process: process, life: lives[process], number: orders)
        underWay[process, default: []].insert(order.number)
        busyKeys[process, default: [:]][key] = order.number
        plan(dice.roll(0...1), .prepare(order))
    }

    private mutating func finish(_ order: Order, _ outcome: SubmissionOutcome) {
        record(order.key, outcome, order.position)
        underWay[order.process]?.remove(order.number)
    }

    private mutating func record(_ key: Int, _ outcome: SubmissionOutcome, _ position: AuditPosition) {
        // A conflict means that somebody was quicker.
        guard var row = rows[key], (try? row.takes(outcome, decidedAt: position)) == true else { return }
        (row.state, row.job, row.refusal) = outcome.row
        row.finished = Timestamp(now)
        rows[key] = row
    }

    private mutating func readQueue(_ look: Look) {
        let skew = ClockSkew(asked: Timestamp(now), answered: Timestamp(now), slurm: Timestamp(now + offset))
        if !jobs.contains(where: { $0.ended <= now && now < $0.told }) { toldAt[look.process] = now }
        let settlement = Settlement(
            began: Timestamp(look.began), ended: Timestamp(now), skew: skew, records: records,
            accountingLag: toldAt[look.process].map { Duration.seconds(now - $0) })
        let queue = jobs.filter { now < $0.ended + 300 }.map { seen($0, isCommented: true) }
        var left: [Submission] = []
        for submission in look.open {
            if let job = Settlement.job(
                of: submission, marker(Int(submission.id)), in: queue, others: others(than: submission))
            {
                record(Int(submission.id), .submitted(job), submission.position)
                continue
            }
            switch settlement.absence(
                of: submission, minted: minted[submission.position.sequence].map { Timestamp($0) })
            {
            case .askAccounting: left.append(submission)
            case .none: record(Int(submission.id), .failed("none"), submission.position)
            case .waiting, .undecidable: break
            }
        }
        plan(dice.roll(0...8), .readAccounting(look, left, settlement))
    }

    private mutating func readAccounting(_ look: Look, _ left: [Submission], _ settlement: Settlement) {
        // slurmdbd is away.
        guard now >= calm || !dice.once(in: 6) else { return plan(5, .look(process: look.process, life: look.life)) }
        let kept = jobs.filter { $0.told <= now }.map { seen($0, isCommented: keepsComments) }
        for submission in left {
            let recent = kept.filter { $0.view.submitted ?? Timestamp(0) >= settlement.since(submission) }
            let others = others(than: submission)
            if let job = Settlement.job(of: submission, marker(Int(submission.id)), in: recent, others: others) {
                record(Int(submission.id), .submitted(job), submission.position)
            } else if settlement.absence(
                of: submission, fromAccounting: FinishedListing(jobs: recent), others: others) == .none
            {
                record(Int(submission.id), .failed("none"), submission.position)
            }
        }
        plan(dice.roll(1...10), .look(process: look.process, life: look.life))
    }

    private func others(than submission: Submission) -> Set<JobID> {
        Set(rows.values.filter { $0.id != submission.id }.compactMap(\.job))
    }

    private func marker(_ key: Int) -> SubmissionMarker {
        Self.makers.marker(person: Self.person, cluster: Self.demo, operation: .submit, key: "key-\(key)")
    }

    private func seen(_ job: Job, isCommented: Bool) -> QueuedJob {
        var view = JobView(
            job: job.id, displayID: "\(job.id)", cluster: Self.demo, name: "job", user: Self.user.rawValue,
            account: "lab", partition: "debug", states: [job.ended <= now ? "COMPLETED" : "RUNNING"])
        view.submitted = Timestamp(job.created + offset)
        return QueuedJob(
            view: view, owner: Self.user, array: nil, marker: isCommented ? marker(job.key) : nil,
            isCommented: isCommented)
    }

    private static let impossible = JobID(rawValue: 1)!  // a small number
}
