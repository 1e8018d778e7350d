package dev.aerie.target;

import dev.aerie.torch.Device;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Measures how much memory a device has for a target. */
final class DeviceMemory {

    private static final Path HOST = Path.of("/proc/meminfo");
    /** Files with a container's memory limit, under versions 2 and 1 of control groups. */
    private static final List<Path> LIMITS =
            List.of(Path.of("/sys/fs/cgroup/memory.max"), Path.of("/sys/fs/cgroup/memory/memory.limit_in_bytes"));

    private static final Duration NVIDIA_SMI = Duration.ofSeconds(30);

    private DeviceMemory() {}

    /** Returns the free bytes: of a GPU, which other processes may use too, or of the host, at most the container's limit. */
    static long of(Device device) {
        try {
            return device.isCpu() ? host() : gpu(device.index());
        } catch (IOException | NumberFormatException e) {
            throw new IllegalStateException("Invalid target.residency: auto (expected target.weight_memory beside it, because "
                    + device + " does not say how much memory is free: " + e.getMessage() + ")", e);
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

    /** Reads the free memory from nvidia-smi, because TorchScript has no operator that returns it. */
    private static long gpu(int index) throws IOException {
        return freeMebibytes(List.of("nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits",
                "--id=" + physical(index, System.getenv("CUDA_VISIBLE_DEVICES"))), NVIDIA_SMI) << 20;
    }

    /**
     * Returns nvidia-smi's id of a device. CUDA renumbers the devices that a process may see from zero; nvidia-smi does not.
     *
     * @param visible CUDA_VISIBLE_DEVICES: indices or UUIDs; null or blank where all are visible
     */
    static String physical(int index, String visible) throws IOException {
        if (visible == null || visible.isBlank()) {
            return Integer.toString(index);
        }
        String[] devices = visible.strip().split("\\s*,\\s*");
        if (index >= devices.length) {
            throw new IOException("CUDA_VISIBLE_DEVICES=" + visible + " has no device " + index);
        }
        return devices[index];
    }

    /** Runs a command that prints one number. The output fits into a pipe, so it is read after the command has ended. */
    static long freeMebibytes(List<String> command, Duration limit) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new IOException(command.get(0) + " gave no answer within " + limit.toSeconds() + " s");
            }
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
            if (process.exitValue() != 0 || !text.matches("[0-9]+")) {
                throw new IOException(command.get(0) + ": " + text);
            }
            return Long.parseLong(text);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            process.destroyForcibly();
        }
    }
}
