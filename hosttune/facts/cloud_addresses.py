"""What each cloud requires before it carries packets of another private address: from its own documentation.

Of other providers it is not known here whether they give a machine more private addresses, and how.
"""

from __future__ import annotations

from hosttune.model import CloudAddresses

_ROWS = (
    CloudAddresses(
        name="aws",
        what="secondary private addresses of the network interface; EC2 drops packets of any other",
        command="aws ec2 assign-private-ip-addresses --network-interface-id ENI "
        "--secondary-private-ip-address-count {count}",
        limit="the instance type says how many an interface can have",
        source="https://docs.aws.amazon.com/cli/latest/reference/ec2/assign-private-ip-addresses.html",
    ),
    CloudAddresses(
        name="gcp",
        what="alias IP ranges of the VM's network interface, from a range of its subnet",
        command='gcloud compute instances network-interfaces update INSTANCE --zone ZONE --aliases "RANGE;RANGE"',
        limit="the list replaces the one that is there: name those too",
        source="https://cloud.google.com/sdk/gcloud/reference/compute/instances/network-interfaces/update",
    ),
    CloudAddresses(
        name="azure",
        what="an IP configuration of the network interface for each address",
        command="az network nic ip-config create --resource-group GROUP --nic-name NIC --name NAME "
        "--private-ip-address ADDRESS",
        limit="256 private addresses for each interface and for each virtual machine",
        source="https://learn.microsoft.com/cli/azure/network/nic/ip-config",
    ),
    CloudAddresses(
        name="openstack",
        what="allowed address pairs of the port; port security drops packets of any other",
        command="openstack port set --allowed-address ip-address=ADDRESS PORT",
        limit="the project's quota, and whether the plug-in of the network knows them",
        source="https://docs.openstack.org/python-openstackclient/latest/cli/command-objects/port.html",
    ),
)


def of(cloud: str, count: int) -> CloudAddresses | None:
    """Return what a cloud requires for so many addresses; None where it is not known."""
    row = next((row for row in _ROWS if row.name == cloud), None)
    if row is None:
        return None
    command = row.command.replace("{count}", str(count))
    return CloudAddresses(row.name, row.what, command, row.limit, row.source)
