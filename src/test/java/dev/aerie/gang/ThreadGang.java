package dev.aerie.gang;

import dev.aerie.torch.Scope;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Ranks as threads of the test's JVM, joined by a real ring. */
public final class ThreadGang {

    private static final Duration LIMIT = Duration.ofSeconds(60);

    private ThreadGang() {}

    public interface Rank<R> {
        R run(Collective collective) throws Exception;
    }

    /** Runs ranks to their end and returns their results in order. */
    public static <R> List<R> run(int size, Rank<R> body) throws Exception {
        ExecutorService threads = Executors.newCachedThreadPool();
        try {
            return join(start(threads, size, LIMIT, body));
        } finally {
            threads.shutdownNow();
        }
    }

    static <R> List<R> join(List<Future<R>> ranks) throws Exception {
        List<R> out = new ArrayList<>();
        for (Future<R> rank : ranks) {
            try {
                out.add(rank.get(3, TimeUnit.MINUTES));
            } catch (ExecutionException e) {
                throw e.getCause() instanceof Exception x ? x : e;
            }
        }
        return out;
    }

    static <R> List<Future<R>> start(ExecutorService threads, int size, Duration limit, Rank<R> body) throws Exception {
        Secret secret = Secret.random();
        List<RingLinks> links = new ArrayList<>();
        List<String> addresses = new ArrayList<>();
        for (int r = 0; r < size; r++) {
            links.add(RingLinks.listen(r, "127.0.0.1", ListenPorts.ANY, secret));
            addresses.add("127.0.0.1:" + links.get(r).port());
        }
        List<Future<R>> futures = new ArrayList<>();
        for (RingLinks link : links) {
            Callable<R> call = () -> {
                try (Scope scope = Scope.open(); Collective c = link.connect(addresses, LIMIT, limit)) {
                    return body.run(c);
                }
            };
            futures.add(threads.submit(call));
        }
        return futures;
    }
}
