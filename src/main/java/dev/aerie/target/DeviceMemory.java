package dev.aerie.target;

import dev.aerie.torch.Device;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** How much memory a device has for a target. */
final class DeviceMemory {

    private static final Path HOST = Path.of("/proc/meminfo");
    /** A container's limit, under the second and the first version of control groups. */
    private static final List<Path> LIMITS =
            List.of(Path.of("/sys/fs/cgroup/memory.max"), Path.of("/sys/fs/cgroup/memory/memory.limit_in_bytes"));

    private DeviceMemory() {}

    /** Bytes: of a GPU all it has, of the host what is available now, at most a container's limit. */
    static long of(Device device) {
        try {
            return device.isCpu() ? host() : gpu(device.index());
        } catch (IOException | NumberFormatException e) {
            throw new IllegalStateException("Invalid target.residency: auto (expected target.weight_memory beside it, because "
                    + device + " does not say how much memory it has: " + e.getMessage() + ")", e);
        }
    }

    private static long host() throws IOException {
        long bytes = available(Files.readAllLines(HOST));
        for (Path limit : LIMITS) {
            if (Files.isReadable(limit)) {
                String text = Files.readString(limit).strip();
                bytes = text.equals("max") ? bytes : Math.min(bytes, Long.parseLong(text));
            }
        }
        return bytes;
    }

    static long available(List<String> meminfo) throws IOException {
        for (String line : meminfo) {
            if (line.startsWith("MemAvailable:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
            }
        }
        throw new IOException(HOST + " has no MemAvailable");
    }

    /** TorchScript has no operator that tells. */
    private static long gpu(int index) throws IOException {
        Process process = new ProcessBuilder("nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits",
                "--id=" + index).redirectErrorStream(true).start();
        try {
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
            if (!process.waitFor(30, TimeUnit.SECONDS) || process.exitValue() != 0) {
                throw new IOException("nvidia-smi: " + text);
            }
            return Long.parseLong(text) << 20;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            process.destroy();
        }
    }
}
