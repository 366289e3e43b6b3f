// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel

extension InventoryReader {
    struct Machine {
        var node: InventoryCluster.Node
        var role: ClusterMachine.Role
    }

    mutating func machines(_ section: inout InventorySection) -> [Machine] {
        let place = "\(section.path).nodes"
        guard let value = section.take("nodes") else {
            report("nodes is missing", at: section.path, line: section.line)
            return []
        }
        guard case .list(let items) = value.content, !items.isEmpty else {
            report("a list with at least one machine is wanted", at: place, line: value.line)
            return []
        }
        let line = section.line(of: "nodes")
        var result: [Machine] = []
        var names: [NodeName: Int] = [:]
        var places: [String: Int] = [:]
        for (index, item) in items.enumerated() {
            guard let machine = machine(item, "\(place)[\(index)]") else { continue }
            let spot = "\(machine.node.address) port \(machine.node.port)"
            if let earlier = names.updateValue(item.line, forKey: machine.node.name) {
                report(
                    "\(machine.node.name) stands in line \(earlier) already", at: "\(place)[\(index)]", line: item.line)
            }
            if let earlier = places.updateValue(item.line, forKey: spot) {
                report("\(spot) stands in line \(earlier) already", at: "\(place)[\(index)]", line: item.line)
            }
            result.append(machine)
        }
        let controllers = result.filter { $0.role == .controller }
        switch controllers.count {
        case 1: break
        // One that could not be read may have been it.
        case 0 where result.count < items.count: break
        case 0: report("no machine has `role: controller`", at: place, line: line)
        default:
            report(
                "\(controllers.map(\.node.name.rawValue).joined(separator: " and ")) have `role: controller`; one may",
                at: place, line: line)
        }
        return result
    }

    private mutating func machine(_ item: ConfigNode, _ place: String) -> Machine? {
        var section = InventorySection(item, place, line: item.line)
        guard section.isSection else {
            report("{name: NAME, address: ADDRESS} is wanted", at: place, line: item.line)
            return nil
        }
        let name = text("name", in: &section, needed: true)
        if let name, !NodeName.accepts(name) {
            report(
                "\(quoted(name)) is no \(NodeName.noun): \(NodeName.rule)", at: "\(place).name",
                line: section.line(of: "name"))
        }
        let address = text("address", in: &section, needed: true)
        if let address, !HostAddress.accepts(address) {
            report(
                "\(quoted(address)) is neither an address nor a host's name", at: "\(place).address",
                line: section.line(of: "address"))
        }
        var port: UInt16 = 22
        if let text = text("port", in: &section) {
            if let number = UInt16(text), number > 0, String(number) == text {
                port = number
            } else {
                report(
                    "\(quoted(text)) is no port, a whole number from 1 to 65535", at: "\(place).port",
                    line: section.line(of: "port"))
            }
        }
        var role = ClusterMachine.Role.node
        if let text = text("role", in: &section) {
            if let known = ClusterMachine.Role(rawValue: text) {
                role = known
            } else {
                report(
                    "\(quoted(text)) is not one of controller, node", at: "\(place).role",
                    line: section.line(of: "role"))
            }
        }
        for entry in section.unknown {
            report("unknown key \(quoted(entry.key)); known are name, address, port, role", at: place, line: entry.line)
        }
        guard let name = name.flatMap({ NodeName(rawValue: $0) }), let address, HostAddress.accepts(address) else {
            return nil
        }
        return Machine(node: InventoryCluster.Node(name: name, address: address, port: port), role: role)
    }

    mutating func homeServer(_ section: inout InventorySection, _ machines: [Machine]) -> NodeName? {
        guard let text = text("home_server", in: &section) else { return nil }
        guard let found = machines.first(where: { $0.node.name.rawValue == text }) else {
            report(
                "\(quoted(text)) is none of nodes", at: "\(section.path).home_server",
                line: section.line(of: "home_server"))
            return nil
        }
        return found.node.name
    }
}
