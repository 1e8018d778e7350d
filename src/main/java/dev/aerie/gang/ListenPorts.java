package dev.aerie.gang;

import dev.aerie.errors.RefusalException;
import java.io.IOException;
import java.io.Serializable;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;

/**
 * The ports on which a process may listen, by Spark's conventions: a base port and, if it is taken, as many ports after it as
 * there are retries.
 *
 * @param setting the Spark setting of the base port, for messages
 * @param base 0 for any free port
 * @param retries number of further ports that are tried
 */
record ListenPorts(String setting, int base, int retries) implements Serializable {

    /** Lower ports need privileges; Spark refuses them too. */
    private static final int LOWEST = 1024;
    private static final int HIGHEST = 65535;

    static final ListenPorts ANY = new ListenPorts("", 0, 0);

    ListenPorts {
        if (base != 0 && (base < LOWEST || base > HIGHEST)) {
            throw new RefusalException("Invalid " + setting + ": " + base + " (expected 0 for any free port, or "
                    + LOWEST + " to " + HIGHEST + ")");
        }
        if (retries < 0) {
            throw new RefusalException("Invalid " + GangConf.MAX_RETRIES + ": " + retries + " (expected at least 0)");
        }
    }

    /**
     * Listens on the first port that is free.
     *
     * @param host address of this machine
     * @throws IOException if no port is free, naming the setting
     */
    ServerSocketChannel listen(String host) throws IOException {
        int last = base == 0 ? 0 : Math.min(base + retries, HIGHEST);
        for (int port = base; ; port++) {
            ServerSocketChannel server = ServerSocketChannel.open();
            try {
                return server.bind(new InetSocketAddress(host, port));
            } catch (BindException e) {
                server.close();
                if (port == last) {
                    throw base == 0 ? e : new IOException(e.getMessage() + ", on ports " + base + " to " + last + " (set "
                            + setting
                            + " or " + GangConf.MAX_RETRIES + " so that one is free)", e);
                }
            } catch (IOException | RuntimeException e) {
                server.close();
                throw e;
            }
        }
    }
}
