package dev.aerie.gang;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.errors.RefusalException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkConf;
import org.junit.jupiter.api.Test;

class ListenPortsTest {

    private static final String HOST = "127.0.0.1";

    /** The first of so many neighbouring ports that are free now. */
    private static int free(int count) throws IOException {
        for (int base = 20_000 + (int) (System.nanoTime() % 20_000); ; base += count) {
            List<ServerSocketChannel> held = new ArrayList<>();
            try {
                for (int i = 0; i < count; i++) {
                    ServerSocketChannel server = ServerSocketChannel.open();
                    held.add(server);
                    server.bind(new InetSocketAddress(HOST, base + i));
                }
                return base;
            } catch (IOException taken) {
                continue;
            } finally {
                for (ServerSocketChannel server : held) {
                    server.close();
                }
            }
        }
    }

    private static int port(ServerSocketChannel server) throws IOException {
        return ((InetSocketAddress) server.getLocalAddress()).getPort();
    }

    @Test
    void takesTheFirstFreePortOfItsRange() throws IOException {
        ListenPorts ports = new ListenPorts("spark.aerie.gang.rank.port", free(3), 2);
        try (ServerSocketChannel a = ports.listen(HOST); ServerSocketChannel b = ports.listen(HOST);
                ServerSocketChannel c = ports.listen(HOST)) {
            assertEquals(List.of(ports.base(), ports.base() + 1, ports.base() + 2), List.of(port(a), port(b), port(c)));
            String said = assertThrows(IOException.class, () -> ports.listen(HOST)).getMessage();
            assertTrue(said.contains("ports " + ports.base() + " to " + (ports.base() + 2))
                    && said.contains("spark.aerie.gang.rank.port") && said.contains("spark.port.maxRetries"), said);
        }
    }

    @Test
    void ranksAndDriverHaveSettingsOfTheirOwn() {
        SparkConf conf = new SparkConf(false);
        assertEquals(0, GangConf.rankPorts(conf).base());
        assertEquals(0, GangConf.driverPorts(conf).base());
        conf.set("spark.aerie.gang.rank.port", "7100").set("spark.aerie.gang.driver.port", "7200")
                .set("spark.port.maxRetries", "3");
        assertEquals(new ListenPorts("spark.aerie.gang.rank.port", 7100, 3), GangConf.rankPorts(conf));
        assertEquals(new ListenPorts("spark.aerie.gang.driver.port", 7200, 3), GangConf.driverPorts(conf));
    }

    @Test
    void refusesWhatIsNoPort() {
        for (String bad : List.of("80", "65536", "-1", "many", "")) {
            SparkConf conf = new SparkConf(false).set("spark.aerie.gang.rank.port", bad);
            String said = assertThrows(RefusalException.class, () -> GangConf.rankPorts(conf), bad).getMessage();
            assertTrue(said.startsWith("Invalid spark.aerie.gang.rank.port: " + bad), said);
        }
    }
}
