"""Messages by MQTT: SciCity's own form, and those of ThingsBoard, Alink and Sparkplug B, to readings."""
