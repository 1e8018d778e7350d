package dev.aerie.gang;

import java.io.IOException;
import java.io.Serializable;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * A key that the driver draws for one attempt of a stage and gives only to its tasks. Both ends of a connection prove that they
 * have it before data is sent: each answers the other's random challenge with an HMAC (RFC 2104), and the key is never sent. Data
 * is not encrypted.
 */
final class Secret implements Serializable {

    private static final int BYTES = 32;

    private final byte[] key;

    private Secret(byte[] key) {
        this.key = key;
    }

    static Secret random() {
        return new Secret(randomBytes());
    }

    /**
     * Performs the handshake of the connecting side: sends its name and a challenge, checks the response, proves the secret.
     *
     * @throws SecretException if the other end does not have the secret or refuses ours
     */
    void initiateHandshake(SocketChannel channel, String name, Deadline deadline) throws IOException {
        Wire wire = new Wire(channel, deadline);
        byte[] mine = randomBytes();
        wire.write(name.getBytes(StandardCharsets.UTF_8));
        wire.write(mine);
        byte[] theirs = wire.read(BYTES);
        if (!MessageDigest.isEqual(wire.read(BYTES), proof("accepts", name, mine, theirs))) {
            throw new SecretException("it does not know the secret of this stage");
        }
        wire.write(proof("connects", name, mine, theirs));
        if (!"welcome".equals(new String(wire.read(16), StandardCharsets.UTF_8))) {
            throw new SecretException("it refused the connection");
        }
    }

    /**
     * Performs the handshake of the accepting side and returns the other end's name once it has proved the secret.
     *
     * @throws SecretException if the other end does not have the secret
     */
    String acceptHandshake(SocketChannel channel, Deadline deadline) throws IOException {
        Wire wire = new Wire(channel, deadline);
        String name = new String(wire.read(256), StandardCharsets.UTF_8);
        byte[] theirs = wire.read(BYTES);
        byte[] mine = randomBytes();
        wire.write(mine);
        wire.write(proof("accepts", name, theirs, mine));
        if (!MessageDigest.isEqual(wire.read(BYTES), proof("connects", name, theirs, mine))) {
            throw new SecretException("it does not know the secret of this stage");
        }
        wire.write("welcome".getBytes(StandardCharsets.UTF_8));
        return name;
    }

    private byte[] proof(String role, String name, byte[] connector, byte[] acceptor) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            // The role is included, so that neither side can answer with the other's message.
            mac.update(role.getBytes(StandardCharsets.UTF_8));
            mac.update(connector);
            mac.update(acceptor);
            mac.update(name.getBytes(StandardCharsets.UTF_8));
            return mac.doFinal();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("HmacSHA256 is missing from this Java", e);
        }
    }

    private static byte[] randomBytes() {
        byte[] bytes = new byte[BYTES];
        new SecureRandom().nextBytes(bytes);
        return bytes;
    }

    /** Never prints the key: this object is a field of closures, which get printed. */
    @Override
    public String toString() {
        return "Secret";
    }
}
