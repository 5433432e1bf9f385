from tests.contracts.destination import DestinationContract


class TestSqlDestination(DestinationContract):
    pass
