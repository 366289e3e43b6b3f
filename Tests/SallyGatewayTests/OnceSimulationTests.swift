// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite struct OnceSimulationTests {
    /// Thousands of orders of submitting, retrying and crashing: never two jobs of one key, never two answers, and where Slurm
    /// keeps what can be known, never none.
    @Test(arguments: 0..<8)
    func oneKeyIsOneJobInEveryOrder(part: UInt64) {
        var jobs = 0
        for seed in (part * 500)..<(part * 500 + 500) {
            var simulation = OnceSimulation(seed: seed)
            simulation.run()
            for key in 0..<simulation.keys {
                let made = simulation.jobs.filter { $0.key == key }
                let answers = simulation.answers[key] ?? []
                jobs += made.count
                #expect(made.count <= 1, "seed \(seed): key \(key) became \(made)")
                #expect(answers.count <= 1, "seed \(seed): key \(key) was answered \(answers)")
                #expect(answers.isSubset(of: Set(made.map(\.id))), "seed \(seed): key \(key) was answered \(answers)")
                guard simulation.alwaysEnds else { continue }
                #expect(made.count == 1 && answers.count == 1, "seed \(seed): key \(key) is lost: \(made) \(answers)")
            }
        }
        #expect(jobs > 500)
    }

    /// The same seed is the same order, so that what fails can be looked at.
    @Test func aSeedIsAnOrder() {
        func jobs(_ seed: UInt64) -> [Int64] {
            var simulation = OnceSimulation(seed: seed)
            simulation.run()
            return simulation.jobs.map(\.created)
        }
        for seed in 0..<20 as Range<UInt64> { #expect(jobs(seed) == jobs(seed)) }
    }
}
