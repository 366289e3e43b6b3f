// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTransport
package import StrictJSON

extension ClusterMachines {
    /// What programs are told of a cluster: `list --json`, and plugins of other makers. Holds no secret.
    package var json: JSONValue {
        [
            "name": .string(name.rawValue), "provider": .string(provider.rawValue), "region": .string(region),
            "controller": .string(controller.name.rawValue), "home_server": .string(homeServer.rawValue),
            "networks": .array(networks.map(JSONValue.string)),
            "accounting": accounting == .unknown ? .null : .bool(accounting == .enforced),
            "plugins": .array(plugins.map(JSONValue.string)),
            "slurm_version": release.map { .string($0.slurmVersion) } ?? .null,
            "machines": .array(machines.map(\.json)),
        ]
    }
}

extension ClusterMachine {
    package var json: JSONValue {
        [
            "name": .string(name.rawValue), "role": .string(role.rawValue), "id": .string(id),
            "address": .string(address), "port": .integer(Int(port)), "state": .string(state.word),
            "started_at": startedAt.map { .string("\($0)") } ?? .null,
        ]
    }
}
