package dev.aerie.train;

import dev.aerie.errors.RefusalException;
import dev.aerie.files.Folder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.UUID;

/**
 * Says to whom a training's output belongs: to the attempt that began last. Whoever had it before finds out before it writes
 * again, and ends. Two that write to one output would delete each other's half-written checkpoints and mix their metrics.
 *
 * <p>The last and not the first, because nothing tells a process that hangs or was cut off from one that works, and the one that
 * somebody has started now is the one that is wanted. It goes on from the newest checkpoint, so little is lost.
 */
final class Claim {

    static final String FILE = "_attempt";

    private final Folder output;
    private final byte[] name = UUID.randomUUID().toString().getBytes(StandardCharsets.UTF_8);

    private Claim(Folder output) {
        this.output = output;
    }

    static Claim take(Folder output) throws IOException {
        Claim claim = new Claim(output);
        output.write(FILE, claim.name);
        return claim;
    }

    /** @throws RefusalException if another attempt has begun since */
    void require() throws IOException {
        // A folder that somebody deletes meanwhile belongs to nobody.
        boolean ours = output.read(FILE).map(found -> Arrays.equals(found, name)).orElse(true);
        if (!ours) {
            throw new RefusalException("Invalid train.output: " + output
                    + " is written to by a training that began later (expected one at a time; this one ends)");
        }
    }
}
