// SPDX-License-Identifier: Apache-2.0

import SallyModel
import Testing

@testable import SallyIdentity

@Suite struct SignInClientTests {
    @Test(arguments: [
        ("sally on laptop", "sally on laptop"), ("", "a program without a name"),
        ("\u{202e}\u{1b}\n", "a program without a name"),
        ("sally\u{1b}[2J\u{202e} \u{e9}\u{212a}on x", "sally[2J on x"), ("   sally", "sally"),
        (String(repeating: "a", count: 500), String(repeating: "a", count: 60)),
        (String(repeating: "\u{e9}", count: 500) + "b", "b"),
    ])
    func labelsAreShortAndPlain(said: String, shown: String) {
        let client = SignInClient(address: "10.0.0.1", label: said)
        #expect(client.label == shown)
        #expect(client.text == "10.0.0.1 \(shown)")
        #expect(SignInClient(text: client.text) == client)
    }

    @Test func aLabelThatLooksLikeAnAddressDoesNotBecomeOne() {
        let client = SignInClient(address: "203.0.113.9", label: "10.0.0.1 sally")
        #expect(SignInClient(text: client.text).address == "203.0.113.9")
    }
}

@Suite struct AttemptLimiterTests {
    private let now = Timestamp(1000)

    @Test func theOldestGoesAndNobodyIsRefused() {
        let limiter = AttemptLimiter(limit: 1, window: .seconds(60), capacity: 3)
        for name in ["a", "b", "c", "d"] { #expect(limiter.permits(name, now: now)) }
        #expect(limiter.remembered == 3)
        for name in ["b", "c", "d"] { #expect(!limiter.permits(name, now: now), "\(name) was forgotten") }
        #expect(limiter.permits("a", now: now))
    }

    @Test func aWindowEnds() {
        let limiter = AttemptLimiter(limit: 1, window: .seconds(60), capacity: 3)
        #expect(limiter.permits("a", now: now))
        #expect(!limiter.permits("a", now: now + .seconds(59)))
        #expect(limiter.permits("a", now: now + .seconds(60)))
    }
}
