import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.nio.charset.StandardCharsets;
import java.util.Calendar;
import java.util.HashMap;
import java.util.Map;
import java.util.TimeZone;
import org.apache.flume.formatter.output.BucketPath;

/**
 * Fills in texts as Flume does. Reads each, with its zone, the unit and the value to round to (no
 * unit: not at all), the clock's time (empty: the header's counts) and its headers; every text is
 * UTF-8 with its length before it, as 32 bits. Writes the text, or the length -1 where Flume refuses.
 */
public class EscapeTexts {
  private static final DataInputStream in =
      new DataInputStream(new BufferedInputStream(System.in));

  public static void main(String[] args) throws Exception {
    DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out));
    while (true) {
      String template;
      try {
        template = read();
      } catch (EOFException end) {
        break;
      }
      String zone = read();
      String unit = read();
      int value = Integer.parseInt(read());
      String now = read();
      Map<String, String> headers = new HashMap<>();
      for (int count = in.readInt(); count > 0; count--) headers.put(read(), read());
      if (!now.isEmpty()) BucketPath.setClock(() -> Long.parseLong(now));
      try {
        String text =
            BucketPath.escapeString(
                template,
                headers,
                zone.isEmpty() ? null : TimeZone.getTimeZone(zone),
                !unit.isEmpty(),
                fieldOf(unit),
                value,
                !now.isEmpty());
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeInt(bytes.length);
        out.write(bytes);
      } catch (RuntimeException refused) {
        out.writeInt(-1);
      }
    }
    out.flush();
  }

  private static int fieldOf(String unit) {
    if (unit.equals("hour")) return Calendar.HOUR_OF_DAY;
    return unit.equals("minute") ? Calendar.MINUTE : Calendar.SECOND;
  }

  private static String read() throws Exception {
    byte[] bytes = new byte[in.readInt()];
    in.readFully(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
